package bloomlink

import (
	"fmt"
	"sync"
)

// Params are what an owner and the unit agree on before a run.
type Params struct {
	// MaxRows bounds the owner's set. A run in which it is larger ends in
	// ErrTooLarge at the party that finds out.
	MaxRows int
	// Threshold is the least Dice coefficient of a match, above 0 and at most 1.
	// It is the same at all three parties.
	Threshold float64
	// Session names the run between owner and unit: a hash of the agreed terms and
	// of the channel, or any bytes that both know. It is compared, and the key
	// confirmation covers those of both owners. It need not be secret.
	Session []byte
	// Progress, if set, is called as work proceeds, by one goroutine at a time.
	Progress func(Progress)
}

// UnitParams are what the unit agreed on with owners A and B.
type UnitParams struct {
	Length             int     // of an encoding in bits
	Threshold          float64 // as in Params
	MaxA, MaxB         int     // rows, as MaxRows in Params
	SessionA, SessionB []byte  // as in Params
	// Progress, if set, is called as work proceeds, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far one step of a run has come, in rows.
type Progress struct {
	Step        string // "send" at an owner; "receive", both owners' rows, and "compare", both owners' rows or a small one's alone, at the unit
	Done, Total int
}

func (p *Params) check() error {
	if p.MaxRows < 0 || p.MaxRows > MaxRows {
		return badMaximum(p.MaxRows)
	}
	return checkThreshold(p.Threshold)
}

func (p *UnitParams) check() error {
	for _, n := range []int{p.MaxA, p.MaxB} {
		if n < 0 || n > MaxRows {
			return badMaximum(n)
		}
	}
	if !validLength(p.Length) {
		return badLength(p.Length)
	}
	return checkThreshold(p.Threshold)
}

func badMaximum(n int) error {
	return fmt.Errorf("%w: a maximum of %d rows, want 0 to %d", ErrTooLarge, n, MaxRows)
}

func checkThreshold(t float64) error {
	if !validThreshold(t) {
		return fmt.Errorf("%w: %v", ErrThreshold, t)
	}
	return nil
}

// reporter passes progress on, one call at a time.
type reporter struct {
	mu sync.Mutex
	f  func(Progress)
}

func (r *reporter) report(step string, done, total int) {
	if r.f == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.f(Progress{Step: step, Done: done, Total: total})
}
