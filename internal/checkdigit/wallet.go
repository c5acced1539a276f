package checkdigit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strings"

	"golang.org/x/crypto/sha3"
)

// maxAddress is longer than any address that is known here.
const maxAddress = 90

// Wallet verifies the address of a wallet by its own checksum: base58check of
// Bitcoin and its kin, bech32 and bech32m of segregated witness, and the case of
// letters in Ethereum. known says whether it has one of these forms; canonical is
// the same for every way to write the address.
func Wallet(address string) (canonical string, valid, known bool) {
	lower := strings.ToLower(address)
	switch {
	case len(address) > maxAddress:
		return address, false, false
	case len(address) == 42 && strings.HasPrefix(lower, "0x") && strings.Trim(lower[2:], "0123456789abcdef") == "":
		return lower, eip55(address[2:]), true
	case segwitForm(lower):
		return lower, segwit(lower) && (address == lower || address == strings.ToUpper(address)), true
	}
	raw, ok := base58(address)
	if !ok || len(raw) < 25 || len(raw) > 26 { // one or two bytes of version, a hash of 20, and the check
		return address, false, false
	}
	body, check := raw[:len(raw)-4], raw[len(raw)-4:]
	once := sha256.Sum256(body)
	twice := sha256.Sum256(once[:])
	return address, bytes.Equal(twice[:4], check), true
}

// eip55 verifies the case of 40 hexadecimal digits by ERC-55. Digits in one case
// have no checksum.
func eip55(digits string) bool {
	lower := strings.ToLower(digits)
	if digits == lower || digits == strings.ToUpper(digits) {
		return true
	}
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(lower))
	hash := hex.EncodeToString(h.Sum(nil))
	for i := range len(digits) {
		if lower[i] >= 'a' && (digits[i] == lower[i]) != (hash[i] < '8') {
			return false
		}
	}
	return true
}

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 decodes the alphabet of Bitcoin, where each 1 in front is a zero byte.
func base58(s string) ([]byte, bool) {
	n, radix := new(big.Int), big.NewInt(int64(len(base58Alphabet)))
	for i := range len(s) {
		v := strings.IndexByte(base58Alphabet, s[i])
		if v < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, radix), big.NewInt(int64(v)))
	}
	zeros := len(s) - len(strings.TrimLeft(s, "1"))
	return append(make([]byte, zeros), n.Bytes()...), true
}

// segwitNetworks are the human-readable parts of BIP 173 and of Litecoin.
var segwitNetworks = []string{"bc", "tb", "bcrt", "ltc", "tltc"}

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

func segwitForm(lower string) bool {
	for _, network := range segwitNetworks {
		if data, ok := strings.CutPrefix(lower, network+"1"); ok && len(data) >= 8 && strings.Trim(data, bech32Alphabet) == "" {
			return true
		}
	}
	return false
}

// segwit verifies the checksum of an address of segregated witness: bech32 (BIP
// 173) for version 0, and bech32m (BIP 350) for the others.
func segwit(lower string) bool {
	separator := strings.LastIndexByte(lower, '1')
	check := uint32(1)
	add := func(v byte) {
		top := check >> 25
		check = check&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				check ^= g
			}
		}
	}
	for i := range separator {
		add(lower[i] >> 5)
	}
	add(0)
	for i := range separator {
		add(lower[i] & 31)
	}
	data := lower[separator+1:]
	for i := range len(data) {
		add(byte(strings.IndexByte(bech32Alphabet, data[i])))
	}
	if data[0] == bech32Alphabet[0] {
		return check == 1
	}
	return check == 0x2bc830a3
}
