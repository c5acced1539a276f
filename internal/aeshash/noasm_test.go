//go:build !amd64 || purego

package aeshash

func assembly() []kernel { return nil }
