package ot

import "crypto/sha256"

// Sent is what the sender of transfers gets. Bit c of row 128·j + i is bit i of
// columns[128·j + c].
type Sent struct {
	Delta   Element
	session session
	columns []Element
}

// Received is what the receiver of transfers gets, in the same form.
type Received struct {
	session session
	columns []Element
}

// Packed returns the sum of x^i times row i of chunk j, over GF(2^128). With the
// chunk's choices read as an element y, the sender's is the receiver's plus y·Δ.
func (s *Sent) Packed(j int) Element { return packed(s.columns[j*128 : (j+1)*128]) }

// Packed returns the sum of x^i times row i of chunk j: see [Sent.Packed].
func (r *Received) Packed(j int) Element { return packed(r.columns[j*128 : (j+1)*128]) }

// Keys returns the strings of the 128 random transfers of chunk j.
func (s *Sent) Keys(j int) *[ChunkSize][2]Element {
	rows := [ChunkSize]Element(s.columns[j*128 : (j+1)*128])
	transpose(&rows)
	var keys [ChunkSize][2]Element
	for i, q := range rows {
		keys[i][0] = s.session.row(j*ChunkSize+i, q)
		keys[i][1] = s.session.row(j*ChunkSize+i, q.Add(s.Delta))
	}
	return &keys
}

// Keys returns the strings of the 128 random transfers of chunk j: in transfer i
// the one of number bit i of choices[j].
func (r *Received) Keys(j int) *[ChunkSize]Element {
	rows := [ChunkSize]Element(r.columns[j*128 : (j+1)*128])
	transpose(&rows)
	for i, t := range rows {
		rows[i] = r.session.row(j*ChunkSize+i, t)
	}
	return &rows
}

// row breaks the correlation of a row: a hash that takes the row's number, as the
// malicious case needs (2022/192; Guo, Katz, Wang and Yu, 2019/074).
func (s *session) row(number int, row Element) Element {
	return block(sha256.Sum256(row.AppendBytes(s.prefix(labelRow, uint64(number)))))
}

// packed sums x^i·row_i. As row_i is the sum of x^c times bit i of column c, it is
// also the sum of x^c·column_c, which needs no transposition.
func packed(columns []Element) Element {
	var sum Element
	for c := len(columns) - 1; c >= 0; c-- {
		sum = sum.TimesX().Add(columns[c])
	}
	return sum
}

// transpose transposes a matrix of 128 by 128 bits: a block swap for each power of
// two (Warren, Hacker's Delight, Section 7-3).
func transpose(m *[128]Element) {
	for i := range 64 {
		m[i].Hi, m[i+64].Lo = m[i+64].Lo, m[i].Hi
	}
	mask := ^uint64(0)
	for width := 32; width > 0; width >>= 1 {
		mask ^= mask << width
		for i := 0; i < 128; i = ((i | width) + 1) &^ width {
			a, b := &m[i], &m[i|width]
			lo := (a.Lo>>width ^ b.Lo) & mask
			hi := (a.Hi>>width ^ b.Hi) & mask
			a.Lo, b.Lo = a.Lo^lo<<width, b.Lo^lo
			a.Hi, b.Hi = a.Hi^hi<<width, b.Hi^hi
		}
	}
}
