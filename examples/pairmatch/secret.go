package main

import (
	"fmt"
	"log/slog"
)

const secretSize = 32

// secret is what two agencies share for one epoch. It formats as a placeholder.
type secret []byte

const redacted = "(secret)"

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
