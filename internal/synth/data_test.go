package synth

import (
	"strings"
	"testing"
	"unicode"
)

// TestTables checks that the country files are well-formed.
func TestTables(t *testing.T) {
	for _, c := range world().all {
		t.Run(c.code, func(t *testing.T) {
			lists := map[string][]string{
				"female": c.given[0].list, "male": c.given[1].list, "family": c.family, "stems": c.stems, "links": c.links,
				"endings": c.endings, "towns": c.towns, "streets": c.streets, "streetForms": c.streetForms,
				"numbers": c.numbers,
			}
			least := map[string]int{"female": 70, "male": 70, "family": 100, "stems": 50, "links": 12, "endings": 28,
				"towns": 12, "streets": 34, "streetForms": 4, "numbers": 2}
			for name, l := range lists {
				if len(l) < least[name] {
					t.Errorf("%s has %d entries, want %d", name, len(l), least[name])
				}
				distinct(t, name, l)
				for _, entry := range l {
					if plain := dropAccents(entry); strings.ContainsFunc(plain, func(r rune) bool { return r > unicode.MaxASCII }) {
						t.Errorf("%s: %q has a letter that no table strips", name, entry)
					}
				}
			}
			for _, form := range c.streetForms {
				if strings.Count(form, "*") != 1 {
					t.Errorf("street form %q", form)
				}
			}
			for i := 1; i < len(c.shares); i++ {
				if c.shares[i] >= c.shares[i-1] {
					t.Errorf("shares %v rise", c.shares)
				}
			}
			if rest := million - c.familyRank[len(c.family)-1]; rest < million/4 || rest >= million {
				t.Errorf("%d of a million have a rare surname", rest)
			}
			for _, mask := range c.mobiles {
				if !strings.HasPrefix(mask, c.dial) || !strings.Contains(mask, "#") {
					t.Errorf("mobile range %q", mask)
				}
			}
			given := map[string]bool{}
			for _, n := range c.given {
				for _, name := range n.list {
					given[name] = true
				}
			}
			known := 0
			for formal, short := range c.nicknames {
				if given[formal] {
					known++
				}
				for _, s := range short {
					if s == "" || s == formal {
						t.Errorf("short form %q of %q", s, formal)
					}
				}
			}
			if known < 30 {
				t.Errorf("%d given names have a short form", known)
			}
			for _, s := range c.sounds {
				if len(s.a) == 0 || string(s.a) == string(s.b) {
					t.Errorf("sound %q=%q", string(s.a), string(s.b))
				}
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range world().all {
		var towns []string
		for _, p := range c.cities {
			towns = append(towns, p.name)
			if p.name == "" || p.low > p.high || p.area == "" || len(p.area) >= c.national-2 {
				t.Errorf("%s: %+v", c.code, p)
			}
			if fixed := strings.Count(c.source.postcode, "0"); p.size != fixed && c.code != "GB" {
				t.Errorf("%s: postcodes of %s have %d digits, want %d", c.code, p.name, p.size, fixed)
			}
			if (c.code == "GB") != (p.prefix != "") {
				t.Errorf("%s: postcodes of %s start with %q", c.code, p.name, p.prefix)
			}
		}
		distinct(t, c.code+" cities", towns)
		if len(towns) < 30 {
			t.Errorf("%s has %d cities", c.code, len(towns))
		}
	}
}

func distinct(t *testing.T, what string, l []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, entry := range l {
		if entry == "" || seen[entry] {
			t.Errorf("%s: %q is empty or there twice", what, entry)
		}
		seen[entry] = true
	}
}

func TestWeights(t *testing.T) {
	w := surnameWeights(200, [...]uint32{9000, 6000, 3000, 2000, 1000, 500, 200})
	share := func(i int) uint32 {
		if i == 0 {
			return w[0]
		}
		return w[i] - w[i-1]
	}
	for rank, want := range map[int]uint32{1: 9000, 2: 6000, 3: 5000, 5: 3000, 10: 2000, 15: 1500, 20: 1000, 100: 200, 200: 100} {
		if got := share(rank - 1); got != want {
			t.Errorf("%d people in a million have rank %d, want %d", got, rank, want)
		}
	}
	if w[200] != million {
		t.Errorf("shares sum to %d", w[200])
	}
	g, count := generator(t, 1, nil), [3]int{}
	three := newWeighted([]uint32{1, 0, 3})
	for range 40_000 {
		count[three.draw(g.r)]++
	}
	if count[1] != 0 {
		t.Errorf("weight zero drawn %d times", count[1])
	}
	between(t, "share of weight 3 in 4", float64(count[2])/40_000, 0.74, 0.76)
}
