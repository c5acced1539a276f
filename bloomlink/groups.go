package bloomlink

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/comity-prl/comity/internal/shuffle"
)

// Member says that an own row is in a group.
type Member struct {
	// Row is the row's index in the slice that NewSet was given.
	Row int
	// Group is a number that the other owner has for exactly one of its rows. It
	// tells nothing of the row or the score.
	Group uint32
}

// Groups is what an owner learns.
type Groups struct {
	// PeerSize is the number of rows of the other owner.
	PeerSize int

	members []Member
}

// Len returns the number of groups, which is that of own rows in one.
func (g *Groups) Len() int { return len(g.members) }

// All yields the own rows that are in a group, in ascending order of row. No row
// and no group comes twice.
func (g *Groups) All() iter.Seq[Member] { return slices.Values(g.members) }

const (
	placeSize  = 8    // of a position and a group number
	groupBatch = 8192 // how many travel in one frame
)

// place is the member of a group at a position of the order in which an owner
// sent its rows.
type place struct{ position, group uint32 }

// number gives the matches of a run group numbers drawn afresh, and returns for
// each owner its own places in ascending order of position, so that neither
// numbers nor order tell anything of scores or of the other owner.
func number(pairs []Pair) (a, b []place) {
	numbers := shuffle.Order(len(pairs))
	for i, p := range pairs {
		a = append(a, place{uint32(p.A), numbers[i]})
		b = append(b, place{uint32(p.B), numbers[i]})
	}
	for _, places := range [][]place{a, b} {
		slices.SortFunc(places, func(x, y place) int { return cmp.Compare(x.position, y.position) })
	}
	return a, b
}

func appendPlaces(out []byte, places []place) []byte {
	for _, p := range places {
		out = binary.BigEndian.AppendUint32(out, p.position)
		out = binary.BigEndian.AppendUint32(out, p.group)
	}
	return out
}

// parseCount reads the number of groups, of which no side can have more than rows.
func parseCount(in []byte, own, peer int) (int, error) {
	if len(in) != 4 {
		return 0, fmt.Errorf("%w: count of %d bytes", ErrLength, len(in))
	}
	n := binary.BigEndian.Uint32(in)
	if uint64(n) > uint64(min(own, peer)) {
		return 0, fmt.Errorf("%w: %d of %d and %d rows", ErrGroups, n, own, peer)
	}
	return int(n), nil
}

// placeReader takes in the places of an owner, frame by frame.
type placeReader struct {
	rows   int
	seen   []bool // by group number
	places []place
}

func (r *placeReader) read(in []byte) error {
	if len(in)%placeSize != 0 {
		return fmt.Errorf("%w: groups in %d bytes", ErrLength, len(in))
	}
	for ; len(in) > 0; in = in[placeSize:] {
		p := place{binary.BigEndian.Uint32(in), binary.BigEndian.Uint32(in[4:])}
		n := len(r.places)
		switch {
		case uint64(p.position) >= uint64(r.rows):
			return fmt.Errorf("%w: position %d of %d", ErrGroups, p.position, r.rows)
		case n > 0 && p.position <= r.places[n-1].position:
			return fmt.Errorf("%w: positions do not ascend", ErrGroups)
		case uint64(p.group) >= uint64(len(r.seen)):
			return fmt.Errorf("%w: number %d of %d", ErrGroups, p.group, len(r.seen))
		case r.seen[p.group]:
			return fmt.Errorf("%w: a number occurs twice", ErrGroups)
		}
		r.seen[p.group] = true
		r.places = append(r.places, p)
	}
	return nil
}

// members turns positions back into the owner's rows.
func (r *placeReader) members(order []uint32) []Member {
	members := make([]Member, 0, len(r.places))
	for _, p := range r.places {
		members = append(members, Member{int(order[p.position]), p.group})
	}
	slices.SortFunc(members, func(x, y Member) int { return cmp.Compare(x.Row, y.Row) })
	return members
}
