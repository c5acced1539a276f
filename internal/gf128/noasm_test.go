//go:build !amd64 || purego

package gf128

func assembly() []kernel { return nil }
