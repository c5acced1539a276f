package protocol

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestEntryRefused(t *testing.T) {
	for name, change := range map[string]func(*Entry){
		"event":       func(e *Entry) { e.Event = "party" },
		"version":     func(e *Entry) { e.Version = LogVersion + 1 },
		"no time":     func(e *Entry) { e.Time = time.Time{} },
		"line break":  func(e *Entry) { e.Purpose = "a\nb" },
		"long":        func(e *Entry) { e.Case = strings.Repeat("x", maxText+1) },
		"negative":    func(e *Entry) { e.OwnSize = -1 },
		"ranges":      func(e *Entry) { e.Ranges = []Range{{0, 1}} },
		"of":          func(e *Entry) { e.Of = 1 },
		"count":       func(e *Entry) { e.Count = 1 },
		"approvers":   func(e *Entry) { e.Approvers = []string{"a b"} },
		"categories":  func(e *Entry) { e.Categories = make([]string, 9) },
		"retention":   func(e *Entry) { e.RetentionDays = -1 },
		"article":     func(e *Entry) { e.Article = "a\nb" },
		"no count":    func(e *Entry) { e.Event = Strangers },
		"no ranges":   func(e *Entry) { e.Event = Erasure },
		"empty range": func(e *Entry) { e.Event = Hold; e.Ranges = []Range{{1, 1}} },
		"touching":    func(e *Entry) { e.Event = Hold; e.Ranges = []Range{{0, 1}, {1, 2}} },
		"unordered":   func(e *Entry) { e.Event = Hold; e.Ranges = []Range{{5, 6}, {1, 2}} },
		"below":       func(e *Entry) { e.Event = Hold; e.Ranges = []Range{{-1, 2}} },
	} {
		e := testEntry(1).normal()
		change(e)
		if _, err := e.marshal(); !errors.Is(err, ErrEntry) && !errors.Is(err, ErrLogVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := string(must(testEntry(1).normal().marshal()))
	for name, text := range map[string]string{
		"space":     strings.Replace(good, ",", ", ", 1),
		"unknown":   strings.Replace(good, `"peer"`, `"subject"`, 1),
		"trailing":  good + "{}",
		"escaped":   strings.Replace(good, "<", `\u003c`, 1),
		"empty":     "",
		"long":      strings.Repeat(" ", MaxEntry+1),
		"null":      "null",
		"duplicate": strings.Replace(good, `"peer"`, `"case":"x","peer"`, 1),
	} {
		if _, err := ParseEntry([]byte(text)); !errors.Is(err, ErrEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseEntry([]byte(strings.Replace(good, `"version":2`, `"version":3`, 1))); !errors.Is(err, ErrLogVersion) {
		t.Errorf("version: %v", err)
	}
}

// Entries of version 1 are read, and a log of them goes on; their text has none of
// the keys of version 2.
func TestEntriesOfVersion1(t *testing.T) {
	const old = `{"version":1,"event":"consultation","time":"2026-07-01T00:00:00Z","peer":"B","role":"proposer",` +
		`"officer":"o-1","case":"7","purpose":"p","legal_basis":"l","function":"set","suite":"vole","outcome":"done","own_size":3}`
	e, err := ParseEntry([]byte(old))
	if err != nil || e.Version != 1 || e.Case != "7" {
		t.Fatalf("%+v, %v", e, err)
	}
	id := identity(t, "A")
	l, _ := logOf(t, id, 1)
	if err := l.Append(e); err != nil {
		t.Fatal(err)
	}
	if report, err := l.Verify(nil); err != nil || report.Entries != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	for key, value := range map[string]string{
		"article": `"9"`, "offence": `"x"`, "approvers": `["a"]`, "categories": `["victim"]`, "scope": `"bulk"`, "retention_days": `3`, "rule": `"r"`,
	} {
		text := strings.Replace(old, `"function"`, `"`+key+`":`+value+`,"function"`, 1)
		if _, err := ParseEntry([]byte(text)); !errors.Is(err, ErrEntry) {
			t.Errorf("%s: %v, want %v", key, err, ErrEntry)
		}
		if _, err := ParseEntry([]byte(strings.Replace(text, `"version":1`, `"version":2`, 1))); err != nil {
			t.Errorf("%s in version 2: %v", key, err)
		}
	}
}
