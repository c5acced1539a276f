//go:build !amd64 || purego

package gf128

func mul(a, b Element) Element               { return mulGeneric(a, b) }
func mulAddTo(dst, src []Element, k Element) { mulAddToGeneric(dst, src, k) }
func dot(a, b []Element) Element             { return dotGeneric(a, b) }
func horner(acc, x, c []Element)             { hornerGeneric(acc, x, c) }
