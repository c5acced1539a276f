//go:build race

package tokenize

const raceDetector = true
