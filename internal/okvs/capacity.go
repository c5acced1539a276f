package okvs

// Capacity returns the least load c such that one of the bins gets more than c of n
// keys with probability below 2^-lambda, by the union bound.
func Capacity(n, bins int, lambda float64) int { return capacity(n, bins, lambda) }
