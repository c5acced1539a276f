package clkhash

import (
	"crypto/sha256"
	"encoding/json"
	"math"
	"strconv"
)

// Parse reads a linkage schema of version 1, 2 or 3. Errors are *SchemaError, with
// the place of the first fault that was found.
func Parse(data []byte) (*Schema, error) {
	root, err := open(data)
	if err != nil {
		return nil, err
	}
	root.object("version")
	version, _ := root.get("version").raw.(json.Number)
	n, err := version.Float64()
	if err != nil || n != 1 && n != 2 && n != 3 {
		root.get("version").fail("want version 1, 2 or 3")
	}
	root.doc.version = int(n)
	root.object("clkConfig", "features")
	canonical, err := json.Marshal(root.raw) // members sorted, numbers as they were
	if err != nil {
		return nil, err
	}
	s := &Schema{Digest: sha256.Sum256(append([]byte("clkhash linkage schema "), canonical...))}
	s.config(root.get("clkConfig"))
	for _, v := range root.get("features").items() {
		f := s.feature(v, root.get("clkConfig"))
		s.features = append(s.features, f)
	}
	s.check(root)
	if root.doc.err != nil {
		return nil, root.doc.err
	}
	return s, nil
}

func (s *Schema) config(v value) {
	v.object("l", "kdf")
	s.Bits = v.get("l").integer(1, MaxFilter, 1)
	v.get("xorFolds").integer(0, math.MaxInt, 0) // clkhash checks it and does not use it
	folds := v.get("xor_folds")                  // and uses this, which it does not check
	switch folds.raw {
	case true: // Python takes it for 1
		s.folds = 1
	case false:
	default:
		s.folds = folds.integer(0, 24, 0)
	}
	if s.filter() > MaxFilter {
		v.get("l").fail("more than %d bits before folding", MaxFilter)
	}
	if v.doc.version == 1 {
		v.object("k", "hash")
		v.get("k").integer(1, MaxTokens, 1)
		hashKind(v.get("hash"))
	}
	kdf := v.get("kdf")
	kdf.object("type")
	kdf.get("type").oneOf("", "HKDF")
	s.sha512 = kdf.get("hash").oneOf("SHA256", "SHA256", "SHA512") == "SHA512"
	s.salt, s.info = base64Of(kdf.get("salt")), base64Of(kdf.get("info"))
	s.keySize = kdf.get("keySize").integer(1, 255*64, 64)
}

// check looks at what concerns features together.
func (s *Schema) check(root value) {
	features := root.get("features")
	if len(s.features) == 0 {
		features.fail("no feature")
	}
	size := 32
	if s.sha512 {
		size = 64
	}
	if len(s.features)*2*s.keySize > 255*size { // RFC 5869, section 2.3
		features.fail("%d features need more key than HKDF can make", len(s.features))
	}
	filter := s.filter()
	for i, v := range features.items() {
		f := s.features[i]
		switch {
		case f.ignored:
		case f.double && f.regular && filter == 1:
			v.fail("one bit leaves no step but zero")
		case f.double:
		case filter&(filter-1) != 0:
			v.fail("blakeHash needs a power of two for a length, not %d", filter)
		case s.keySize > 64:
			v.fail("blakeHash takes a key of at most 64 bytes, not %d", s.keySize)
		}
	}
}

func (s *Schema) feature(v, config value) feature {
	v.object("identifier")
	f := feature{name: v.get("identifier").text(""), ignored: v.get("ignored").boolean()}
	v.get("description").text("")
	full := v.get("format").present && v.get("hashing").present
	if f.ignored && (!full || v.doc.version < 3) {
		v.only("identifier", "ignored", "description") // what is both is neither, before version 3
		return f
	}
	v.object("format", "hashing")
	f.setFormat(v.get("format"))
	hashing := v.get("hashing")
	switch v.doc.version {
	case 1:
		f.version1(hashing, config)
	case 2:
		f.version2(hashing)
	default:
		f.version3(hashing)
	}
	if m := hashing.get("missingValue"); m.present {
		m.object("sentinel")
		sentinel := m.get("sentinel").text("")
		f.missing = &missing{sentinel, m.get("replaceWith").text(sentinel)}
	}
	return f
}

// version1 reads a weight, which multiplies the k of the whole schema. A feature
// without weight is ignored.
func (f *feature) version1(v, config value) {
	v.object("ngram")
	n := v.get("ngram").integer(0, maxN, 2)
	f.compare = ngram{n, v.get("positional").boolean()}
	f.double, f.regular = hashKind(config.get("hash"))
	weight := v.get("weight")
	w := 1.0
	if weight.present {
		number, _ := weight.raw.(json.Number)
		var err error
		if w, err = strconv.ParseFloat(number.String(), 64); err != nil || w < 0 {
			weight.fail("want a number that is not negative")
		}
	}
	if w == 0 {
		f.ignored = true
		return
	}
	v.only("ngram", "positional", "weight", "missingValue", "strategy", "hash", "comparison")
	if n == 0 {
		v.get("ngram").fail("want a whole number from 1 to %d", maxN)
	}
	k := math.RoundToEven(w * float64(config.get("k").integer(1, MaxTokens, 1)))
	if !(k >= 1 && k <= MaxTokens) {
		weight.fail("want from 1 to %d bits a token", MaxTokens)
		return
	}
	f.perToken = int(k)
}

func (f *feature) version2(v value) {
	v.object("ngram", "strategy")
	v.only("ngram", "positional", "strategy", "hash", "missingValue")
	f.compare = ngram{v.get("ngram").integer(1, maxN, 2), v.get("positional").boolean()}
	f.double, f.regular = hashKind(v.get("hash"))
	f.strategy(v.get("strategy"), "k", "numBits")
}

func (f *feature) version3(v value) {
	v.object("comparison", "strategy")
	v.only("comparison", "strategy", "hash", "missingValue")
	f.compare = comparisonOf(v.get("comparison"))
	f.double, f.regular = hashKind(v.get("hash"))
	f.strategy(v.get("strategy"), "bitsPerToken", "bitsPerFeature")
}

func (f *feature) strategy(v value, perToken, perFeature string) {
	v.object()
	v.only(perToken, perFeature)
	token, all := v.get(perToken), v.get(perFeature)
	if token.present == all.present {
		v.fail("want one of %q and %q", perToken, perFeature)
	}
	f.perToken, f.perFeature = token.integer(1, MaxTokens, 0), all.integer(1, MaxTokens, 0)
}

func hashKind(v value) (double, regular bool) {
	if !v.present {
		return false, false
	}
	v.object("type")
	double = v.get("type").oneOf("", "doubleHash", "blakeHash") == "doubleHash"
	singularity := v.get("prevent_singularity")
	if !double {
		if singularity.raw != nil {
			singularity.fail("blakeHash has none")
		}
		return false, false
	}
	return true, singularity.boolean()
}

func comparisonOf(v value) comparison {
	v.object("type")
	switch v.get("type").oneOf("", "ngram", "exact", "numeric") {
	case "ngram":
		v.object("n")
		return ngram{v.get("n").integer(1, maxN, 1), v.get("positional").boolean()}
	case "numeric":
		return numericOf(v)
	}
	return exact{}
}
