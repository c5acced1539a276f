package protocol

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration whose text may be a whole number of days, such as
// "30d", beside the forms of time.ParseDuration.
type Duration time.Duration

const day = 24 * time.Hour

var errDuration = errors.New("protocol: a duration is a number of days such as 30d, or as in 36h or 5m30s")

// String returns days where there is nothing else.
func (d Duration) String() string {
	if t := time.Duration(d); t != 0 && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	return time.Duration(d).String()
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration that is not negative, of at most 65535 days where
// it is in days.
func (d *Duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return errDuration
		}
		*d = Duration(time.Duration(n) * day)
		return nil
	}
	t, err := time.ParseDuration(string(text))
	if err != nil || t < 0 {
		return errDuration
	}
	*d = Duration(t)
	return nil
}
