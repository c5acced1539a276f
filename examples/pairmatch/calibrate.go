package main

import (
	"context"

	"github.com/comity-prl/comity/bloomlink"
	"github.com/comity-prl/comity/internal/synth"
	"github.com/comity-prl/comity/tokenize"
)

// People to calibrate on: as many as make the best threshold stand still.
const (
	calibrationSeed    = 2026
	calibrationRecords = 1500 // a side
	calibrationShared  = 750

	lowestThreshold = 0.54 // two encodings that are hardened score about 0.5 by chance
	thresholdStep   = 0.01
	plateau         = 0.002 // of F1: what counts as equally good
)

// calibrate sets the threshold of the encoding to the middle of those at which
// invented people with the fields of the encoding are linked best. What is best
// depends on which fields there are; the truth about real records has no part in
// it.
func (l *linkage) calibrate() error {
	pairs, truth, err := l.rehearse()
	if err != nil {
		return err
	}
	var scores []float64 // F1 by step
	best := 0.0
	for step := 0; threshold(step) < 1; step++ {
		var over []bloomlink.Pair
		for _, p := range pairs {
			if p.Score >= threshold(step) {
				over = append(over, p)
			}
		}
		found := bloomlink.Assign(over)
		right := 0
		for _, p := range found {
			if truth[[2]int{p.A, p.B}] {
				right++
			}
		}
		f1 := 2 * float64(right) / float64(len(found)+len(truth))
		scores, best = append(scores, f1), max(best, f1)
	}
	sum, count := 0, 0
	for step, f1 := range scores {
		if f1 >= best-plateau {
			sum, count = sum+step, count+1
		}
	}
	l.Encoding.Threshold = threshold((sum + count/2) / count)
	return nil
}

// threshold returns that of a step, as a number of two decimals.
func threshold(step int) float64 { return float64(int(lowestThreshold/thresholdStep)+step) / 100 }

// rehearse returns the pairs of invented people that are alike, and the true ones.
func (l *linkage) rehearse() ([]bloomlink.Pair, map[[2]int]bool, error) {
	g, err := synth.New(calibrationSeed, nil)
	if err != nil {
		return nil, nil, err
	}
	people, err := g.Pair(calibrationRecords, calibrationRecords, calibrationShared)
	if err != nil {
		return nil, nil, err
	}
	truth := make(map[[2]int]bool)
	for _, link := range people.Links {
		truth[link] = true
	}
	encoder, err := bloomlink.NewEncoder(l.bloom(), make([]byte, secretSize), nil) // of nobody's records
	if err != nil {
		return nil, nil, err
	}
	a, err := l.indexOf(people.A, encoder)
	if err != nil {
		return nil, nil, err
	}
	b, err := l.indexOf(people.B, encoder)
	if err != nil {
		return nil, nil, err
	}
	var pairs []bloomlink.Pair
	for p, err := range bloomlink.Pairs(context.Background(), a, b, lowestThreshold) {
		if err != nil {
			return nil, nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, truth, nil
}

func (l *linkage) indexOf(people []synth.Person, encoder *bloomlink.Encoder) (*bloomlink.Index, error) {
	records := make([]tokenize.Record, len(people))
	for i, p := range people {
		values := make(map[string]string)
		for j, v := range p.Values() {
			values[synth.Fields[j]] = v
		}
		for _, f := range l.Fields {
			records[i] = append(records[i], values[f.Name]) // "" where synth has no such field
		}
	}
	encodings, err := l.encode(context.Background(), records, encoder, func(int, error) {})
	if err != nil {
		return nil, err
	}
	return bloomlink.NewIndex(encodings, nil)
}
