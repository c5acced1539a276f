//go:build !amd64 || purego

package vole

func convolve(z []Element, width, first, n int, buf []Element) {
	convolveGeneric(z, width, first, n, buf)
}

func pick(out, second, rows, buf []Element) { pickGeneric(out, second, rows, buf) }

func scatter(records []uint32, ends []uint64, count int, buf []Element, first, n int) {
	scatterGeneric(records, ends, count, buf, first, n)
}

func flush(out, second, rows, _ []Element, records []uint32) {
	flushGeneric(out, second, rows, records)
}
