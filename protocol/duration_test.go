package protocol

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, test := range []struct {
		text, again string
		want        time.Duration
	}{
		{"30d", "30d", 30 * day},
		{"0d", "0s", 0},
		{"48h", "2d", 2 * day},
		{"36h", "36h0m0s", 36 * time.Hour},
		{"5m30s", "5m30s", 330 * time.Second},
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(test.text)); err != nil || time.Duration(d) != test.want {
			t.Errorf("%q: %v, %v", test.text, time.Duration(d), err)
		}
		if text, err := d.MarshalText(); err != nil || string(text) != test.again {
			t.Errorf("%q: %q again, %v", test.text, text, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1d12h", "-5h", "65536d", "7", "1y"} {
		d := Duration(1)
		if err := d.UnmarshalText([]byte(text)); err == nil || d != 1 {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	}
}
