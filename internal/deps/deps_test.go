package deps

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/comity-prl/comity"

// rule says what the packages below a path may import. Standard library packages
// are allowed unless denied; this module's and third parties' only if listed. An
// entry that ends in /... allows what lies below it.
type rule struct {
	own    []string // of this module, without its path
	others []string // third-party
	denied []string // standard library
}

// rules are the architecture: a library package that is not listed fails.
var rules = map[string]rule{
	"": {},
	"tokenize": {
		own:    []string{"internal/..."},
		others: []string{"github.com/nyaruka/phonenumbers", "golang.org/x/text/..."},
		denied: []string{"net/...", "os/..."},
	},
	"tokenize/opentoken": {
		others: []string{"golang.org/x/text/..."},
		denied: []string{"net/...", "os/..."},
	},
	"psi": {
		own: []string{"internal/..."},
		others: []string{
			"filippo.io/nistec",
			"github.com/cloudflare/circl/expander",
			"github.com/cloudflare/circl/group",
			"github.com/gtank/ristretto255",
			"golang.org/x/crypto/cryptobyte",
		},
		denied: []string{"net/...", "os/..."},
	},
	"bloomlink": {
		own:    []string{"internal/..."},
		others: []string{"golang.org/x/crypto/cryptobyte"},
		denied: []string{"net/...", "os/..."},
	},
	"protocol": {
		own: []string{"psi", "bloomlink", "internal/iblt", "internal/merkle", "internal/wire"},
		others: []string{
			"github.com/rogpeppe/go-internal/lockedfile",
			"go.etcd.io/bbolt",
			"go.etcd.io/bbolt/errors",
			"golang.org/x/crypto/cryptobyte",
			"golang.org/x/mod/sumdb/...",
		},
	},
	"internal/aeshash": {
		own:    []string{"internal/gf128"},
		others: []string{"golang.org/x/sys/cpu"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/calendar": {denied: []string{"net/...", "os/..."}},
	"internal/checkdigit": {
		others: []string{"golang.org/x/crypto/sha3"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/bitslice": {
		others: []string{"golang.org/x/sys/cpu"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/clkhash": {
		own:    []string{"internal/memo"},
		others: []string{"golang.org/x/crypto/blake2b", "golang.org/x/text/cases", "golang.org/x/text/language"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/deps": {denied: []string{"net/..."}},
	"internal/gf128": {
		others: []string{"golang.org/x/sys/cpu"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/iblt": {
		own:    []string{"internal/aeshash", "internal/gf128"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/memo": {denied: []string{"net/...", "os/..."}},
	"internal/merkle": {
		own:    []string{"internal/parallel"},
		others: []string{"golang.org/x/mod/sumdb/tlog"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/okvs": {
		own:    []string{"internal/aeshash", "internal/gf128"},
		others: []string{"golang.org/x/sync/errgroup"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/oprf": {
		own: []string{"internal/parallel"},
		others: []string{
			"filippo.io/bigmod",
			"filippo.io/nistec",
			"github.com/cloudflare/circl/expander",
			"github.com/cloudflare/circl/group",
			"github.com/gtank/ristretto255",
		},
		denied: []string{"net/...", "os/..."},
	},
	"internal/ot": {
		own:    []string{"internal/aeshash", "internal/gf128", "internal/parallel", "internal/wire"},
		others: []string{"github.com/gtank/ristretto255"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/parallel": {
		others: []string{"golang.org/x/sync/errgroup"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/netsim":  {},
	"internal/shuffle": {denied: []string{"net/...", "os/..."}},
	"internal/spectest": {
		others: []string{"github.com/google/go-cmp/cmp"},
		denied: []string{"net/..."},
	},
	"internal/phonetic": {denied: []string{"net/...", "os/..."}},
	"internal/rewrite":  {denied: []string{"net/...", "os/..."}},
	"internal/sound": {
		own:    []string{"internal/rewrite", "internal/translit"},
		others: []string{"golang.org/x/text/unicode/norm"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/synth": {denied: []string{"net/...", "os/..."}},
	"internal/translit": {
		own:    []string{"internal/rewrite"},
		others: []string{"golang.org/x/text/runes", "golang.org/x/text/transform", "golang.org/x/text/unicode/norm"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/vole": {
		own:    []string{"internal/aeshash", "internal/gf128", "internal/ot", "internal/parallel", "internal/wire"},
		others: []string{"golang.org/x/sys/cpu"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/voleprf": {
		own:    []string{"internal/aeshash", "internal/gf128", "internal/okvs", "internal/parallel", "internal/vole", "internal/wire"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/vss": {
		own:    []string{"internal/oprf"},
		denied: []string{"net/...", "os/..."},
	},
	"internal/wire":          {denied: []string{"net/...", "os/..."}},
	"internal/wire/wiretest": {denied: []string{"os/..."}},
}

// forTestsAndExamples may be imported by nothing else.
var forTestsAndExamples = []string{"internal/synth", "internal/netsim", "internal/spectest", "internal/wire/wiretest"}

type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func list(t *testing.T) (own []pkg, standard map[string]bool) {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Standard", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	standard = map[string]bool{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return own, standard
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard {
			standard[p.ImportPath] = true
		}
		if p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/") {
			own = append(own, p)
		}
	}
}

func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		base, below := strings.CutSuffix(p, "/...")
		return path == base || below && strings.HasPrefix(path, base+"/")
	})
}

func TestImports(t *testing.T) {
	own, standard := list(t)
	if len(own) < len(rules) {
		t.Fatalf("go list found %d packages, there are %d rules", len(own), len(rules))
	}
	for _, p := range own {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		example := strings.HasPrefix(path, "examples/")
		r, known := rules[path]
		if !known && !example {
			t.Errorf("%s: no rule for this package; the architecture has no such room", path)
			continue
		}
		for _, imp := range p.Imports {
			local, ours := strings.CutPrefix(imp, module+"/")
			switch {
			case ours && strings.HasPrefix(local, "examples/"):
				if !example {
					t.Errorf("%s imports %s: nothing imports examples", path, local)
				}
			case example:
			case ours && slices.Contains(forTestsAndExamples, local):
				t.Errorf("%s imports %s, which is for tests and examples", path, local)
			case ours && !matches(local, r.own):
				t.Errorf("%s must not import %s", path, local)
			case !ours && standard[imp] && matches(imp, r.denied):
				t.Errorf("%s must not import %s of the standard library", path, imp)
			case !ours && !standard[imp] && !matches(imp, r.others):
				t.Errorf("%s imports %s, which is not on its list", path, imp)
			}
		}
	}
}

// The rules themselves must bite.
func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		path    string
		pattern string
		want    bool
	}{
		{"net", "net/...", true},
		{"net/http", "net/...", true},
		{"network", "net/...", false},
		{"internal/wire", "internal/...", true},
		{"psi", "psi", true},
		{"psi/x", "psi", false},
	} {
		if got := matches(tt.path, []string{tt.pattern}); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.path, tt.pattern, got)
		}
	}
}
