//go:build !purego

package vole

import "golang.org/x/sys/cpu"

// hasAVX2 is what the kernels need.
var hasAVX2 = cpu.X86.HasAVX2

func convolve(z []Element, width, first, n int, buf []Element) {
	from := &z[(first-taps-1)*width].Lo
	switch {
	case !hasAVX2:
		convolveGeneric(z, width, first, n, buf)
	case width == 1:
		convolveOneAVX2(from, &buf[0].Lo, n)
	default:
		convolveTwoAVX2(from, &buf[0].Lo, n)
	}
}

func pick(out, second, rows, buf []Element) {
	switch {
	case !hasAVX2:
		pickGeneric(out, second, rows, buf)
	case second == nil:
		pickOneAVX2(&out[0].Lo, &rows[0].Lo, len(rows), &buf[0].Lo, len(out))
	default:
		pickTwoAVX2(&out[0].Lo, &second[0].Lo, &rows[0].Lo, len(rows)/2, &buf[0].Lo, len(out))
	}
}

func scatter(records []uint32, ends []uint64, count int, buf []Element, first, n int) {
	if !hasAVX2 {
		scatterGeneric(records, ends, count, buf, first, n)
		return
	}
	scatterAsm(&records[0], &ends[0], count, &buf[0].Lo, first, n)
}

func flush(out, second, rows, next []Element, records []uint32) {
	step := len(next) * 16 / len(records)
	switch {
	case !hasAVX2:
		flushGeneric(out, second, rows, records)
	case second == nil:
		flushOneAVX2(&out[0].Lo, &rows[0].Lo, &records[0], len(records), &next[0].Lo, step)
	default:
		flushTwoAVX2(&out[0].Lo, &second[0].Lo, &rows[0].Lo, &records[0], len(records), &next[0].Lo, step)
	}
}
