package main

import (
	"strings"
	"testing"
)

const goodConfig = `{
  "listen": "127.0.0.1:1", "admin": "127.0.0.1:2",
  "quotas": {"epoch": 3, "peer": 2, "officer": 1},
  "scopes": [
    {"project": "p", "purpose": "q", "epoch": "e1", "key": "k1", "primary": false},
    {"project": "p", "purpose": "q", "epoch": "e2", "key": "k2", "primary": true}],
  "peers": [
    {"name": "a", "certificate": "AA00000000000000000000000000000000000000000000000000000000000000", "projects": ["p"]},
    {"name": "b", "certificate": "bb00000000000000000000000000000000000000000000000000000000000000", "projects": ["p"]}]
}`

func TestConfig(t *testing.T) {
	c, err := parseConfig([]byte(goodConfig))
	if err != nil {
		t.Fatal(err)
	}
	if c.Peers[0].Certificate[0] != 0xaa || !c.Scopes[1].Primary || c.Quotas != (limits{3, 2, 1}) {
		t.Errorf("read: %+v", c)
	}
	for name, change := range map[string][2]string{
		"not JSON":              {"{", "["},
		"unknown key":           {`"listen"`, `"listens"`},
		"no quota":              {`"officer": 1`, `"officer": 0`},
		"negative quota":        {`"peer": 2`, `"peer": -2`},
		"quota above an int64":  {`"epoch": 3`, `"epoch": 18446744073709551615`},
		"malformed project":     {`"project": "p"`, `"project": "p p"`},
		"one epoch twice":       {"e2", "e1"},
		"no primary":            {"true", "false"},
		"two primaries":         {"false", "true"},
		"nameless peer":         {`"name": "a"`, `"name": ""`},
		"one name twice":        {`"name": "a"`, `"name": "b"`},
		"one certificate twice": {"AA00", "bb00"},
		"short certificate":     {"AA00", "AA"},
		"peer without projects": {`["p"]`, `[]`},
		"trailing":              {"", ""},
	} {
		text := strings.Replace(goodConfig, change[0], change[1], 1)
		if name == "trailing" {
			text += "{}"
		}
		if _, err := parseConfig([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(goodConfig))
	f.Fuzz(func(_ *testing.T, text []byte) { parseConfig(text) })
}
