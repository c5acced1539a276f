package tokenize

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Errors of epochs.
var (
	ErrOtherEpoch = errors.New("tokenize: tokens of two epochs do not compare")
	ErrNoEpoch    = errors.New("tokenize: no key of this epoch is live")
)

// Same reports whether two entries have one token. It fails with ErrOtherEpoch if
// their epochs differ, since their tokens would then differ for every person.
func (e Entry) Same(other Entry) (bool, error) {
	if e.Epoch != other.Epoch {
		return false, fmt.Errorf("%w: %q and %q", ErrOtherEpoch, string(e.Epoch), string(other.Epoch))
	}
	return e.Token == other.Token, nil
}

// Epochs are the key periods that are live: the primary one makes new tokens, and
// the others serve those that were made under them, until the last of these has
// been made anew or moved by a Delta.
type Epochs struct {
	prfs []PRF // the primary first
}

// NewEpochs returns the live epochs. The error is ErrEpoch if one is malformed or
// there twice.
func NewEpochs(primary PRF, others ...PRF) (*Epochs, error) {
	e := &Epochs{prfs: append([]PRF{primary}, others...)}
	for i, f := range e.prfs {
		if err := f.Epoch().Validate(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(e.prfs[:i], func(g PRF) bool { return g.Epoch() == f.Epoch() }) {
			return nil, fmt.Errorf("%w: %q is there twice", ErrEpoch, string(f.Epoch()))
		}
	}
	return e, nil
}

// Primary returns the PRF for new tokens.
func (e *Epochs) Primary() PRF { return e.prfs[0] }

// Of returns the PRF of an epoch. The error is ErrNoEpoch.
func (e *Epochs) Of(epoch Epoch) (PRF, error) {
	for _, f := range e.prfs {
		if f.Epoch() == epoch {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNoEpoch, string(epoch))
}

// All yields the PRFs, the primary first.
func (e *Epochs) All() iter.Seq[PRF] { return slices.Values(e.prfs) }
