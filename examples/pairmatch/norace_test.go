//go:build !race

package main

const raceDetector = false

var scripts = []string{"*"} // all
