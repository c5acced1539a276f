package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "policy.schema.json"

// keyed is an object of the schema file.
type keyed struct {
	Description string           `json:"description"`
	Ref         string           `json:"$ref"`
	Additional  *bool            `json:"additionalProperties"`
	Properties  map[string]keyed `json:"properties"`
	Items       *keyed           `json:"items"`
	Enum        []string         `json:"enum"`
	Defs        map[string]keyed `json:"$defs"`
}

func readSchema(t testing.TB) keyed {
	t.Helper()
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var k keyed
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// The schema file has the keys of the Go types, each with a description, and no
// others.
func TestSchemaHasThePolicysKeys(t *testing.T) {
	root := readSchema(t)
	resolve := func(k keyed) keyed {
		if name, ok := strings.CutPrefix(k.Ref, "#/$defs/"); ok {
			return root.Defs[name]
		}
		return k
	}
	var compare func(path string, k keyed, typ reflect.Type)
	compare = func(path string, k keyed, typ reflect.Type) {
		if k.Additional == nil || *k.Additional {
			t.Errorf("%s: the schema lets other keys pass", path)
		}
		fields := jsonFields(typ)
		var want, got []string
		for key := range fields {
			want = append(want, key)
		}
		for key := range k.Properties {
			got = append(got, key)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-Go +schema):\n%s", path, diff)
		}
		for key, property := range k.Properties {
			property := resolve(property)
			if property.Description == "" {
				t.Errorf("%s.%s: no description", path, key)
			}
			switch field := fields[key]; {
			case field == nil:
			case isObject(field):
				compare(path+"."+key, property, field)
			case field.Kind() == reflect.Slice && isObject(field.Elem()):
				compare(path+"."+key, resolve(*property.Items), field.Elem())
			}
		}
	}
	compare("policy", root, reflect.TypeFor[Policy]())
	rule := root.Defs["rule"]
	for key, want := range map[string][]string{
		"categories": append([]string{Any}, categories...), "excluded_categories": categories,
		"scopes": {ScopeQuery, ScopeBulk}, "functions": {FunctionSet, FunctionCount, FunctionEncodings},
		"receivers": {string(Proposer), string(Acceptor)}, "require": requirable, "optional": lifted,
	} {
		if diff := cmp.Diff(want, rule.Properties[key].Items.Enum); diff != "" {
			t.Errorf("values of %s (-Go +schema):\n%s", key, diff)
		}
	}
}

// compileSchema returns the schema file as a validator reads it.
func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validates(s *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// The examples, and what Marshal writes of them and of a rule with every key, are
// valid by the schema and read back as they were.
func TestExamplesFitTheSchema(t *testing.T) {
	s := compileSchema(t)
	paths, err := filepath.Glob(filepath.Join("testdata", "policies", "*.json"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%d examples, %v", len(paths), err)
	}
	texts := map[string][]byte{}
	for _, path := range paths {
		if texts[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if texts["nothing"], err = new(Policy).Marshal(); err != nil {
		t.Fatal(err)
	}
	if texts["every key"], err = (&Policy{Profile: ProfileFIPS, Rules: []Rule{fullRule()}}).Marshal(); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if err := validates(s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p, err := ParsePolicy(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := p.Marshal()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := validates(s, again); err != nil {
			t.Errorf("%s, written: %v", name, err)
		}
		back, err := ParsePolicy(again)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(p, back, cmp.AllowUnexported(Policy{})); diff != "" {
			t.Errorf("%s (-first +second):\n%s", name, diff)
		}
	}
}

// fullRule sets every key.
func fullRule() Rule {
	r := goodRule()
	r.Articles, r.Offences = []string{"9"}, []string{"homicide"}
	r.ExcludedCategories = []string{CategoryWitness}
	r.Configs, r.AnySchema = []Hash{{1}}, true
	r.MinThreshold, r.MinFields, r.MaxCandidates, r.MinCount = 0.5, 3, 10, 20
	r.MaxLifetime = Duration(36 * day / 24)
	r.Retention = RetentionBounds{1, 30}
	r.Require, r.Optional, r.Approvals = []string{"article"}, []string{"offence"}, 2
	r.OfficerKeys = append(r.OfficerKeys, make([]byte, 32))
	r.Padding = Padding{100, true}
	r.Limits = Limits{1, 2, 3, 4, 5, Duration(day), Duration(2 * day), 6, 7}
	return r
}

func TestFullRuleIsFull(t *testing.T) {
	v := reflect.ValueOf(fullRule())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not set", v.Type().Field(i).Name)
		}
	}
}

// What is refused names the key and the rule. Where the schema can tell, it
// refuses too.
func TestPolicyRefused(t *testing.T) {
	s := compileSchema(t)
	key := func(k string, value any) string {
		rule := map[string]any{"name": "a", k: value}
		text, err := json.Marshal(map[string]any{"version": 1, "rules": []any{map[string]any{"name": "before"}, rule}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	many := make([]string, maxPolicyList+1)
	for i := range many {
		many[i] = fmt.Sprint("p", i)
	}
	tests := []struct {
		name, text string
		key        string // of a *PolicyError; "": only ErrPolicy
		byCode     bool   // the schema cannot tell
	}{
		{"empty", "", "", false},
		{"list", "[]", "", false},
		{"no version", `{"rules":[]}`, "version", false},
		{"no rules", `{"version":1}`, "rules", false},
		{"old version", `{"version":0,"rules":[]}`, "version", false},
		{"newer version with other keys", `{"version":2,"laws":[]}`, "version", false},
		{"version as text", `{"version":"1","rules":[]}`, "", false},
		{"unknown profile", `{"version":1,"profile":"strict","rules":[]}`, "profile", false},
		{"unknown key", `{"version":1,"rule":[]}`, "", false},
		{"key twice", `{"version":1,"rules":[],"rules":[]}`, "", true},
		{"key in capitals", `{"version":1,"Rules":[]}`, "", false},
		{"trailing data", `{"version":1,"rules":[]}{}`, "", false},
		{"null for a list", `{"version":1,"rules":null}`, "", false},
		{"null for a rule", `{"version":1,"rules":[null]}`, "", false},
		{"rules as an object", `{"version":1,"rules":{}}`, "", false},
		{"unknown key in a rule", key("permit", []string{"*"}), "", false},
		{"key twice in a rule", `{"version":1,"rules":[{"name":"a","peers":[],"peers":["*"]}]}`, "", true},
		{"unknown key of limits", key("limits", map[string]int{"sessions": 1}), "", false},
		{"key twice in limits", `{"version":1,"rules":[{"name":"a","limits":{"items":1,"items":2}}]}`, "", true},
		{"unknown key of padding", key("padding", map[string]int{"bucket": 1}), "", false},
		{"unknown key of retention", key("retention", map[string]int{"days": 1}), "", false},
		{"rule without a name", `{"version":1,"rules":[{"peers":["*"]}]}`, "name", false},
		{"two of one name", `{"version":1,"rules":[{"name":"a"},{"name":"a"}]}`, "name", true},
		{"peer of no name", key("peers", []string{""}), "peers", false},
		{"too many peers", key("peers", many), "peers", false},
		{"purpose with a line break", key("purposes", []string{"a\nb"}), "purposes", true},
		{"offence with a space", key("offences", []string{"a b"}), "offences", false},
		{"jurisdiction in small letters", key("jurisdictions", []string{"de"}), "jurisdictions", false},
		{"unknown category", key("categories", []string{"relative"}), "categories", false},
		{"any category excluded", key("excluded_categories", []string{"*"}), "excluded_categories", false},
		{"any scope", key("scopes", []string{"*"}), "scopes", false},
		{"any function", key("functions", []string{"*"}), "functions", false},
		{"sum", key("functions", []string{"sum"}), "functions", false},
		{"unknown receiver", key("receivers", []string{"both"}), "receivers", false},
		{"unknown suite", key("suites", []string{"rot13"}), "suites", true},
		{"epoch with a space", key("epochs", []string{"2026 Q4"}), "epochs", false},
		{"hash too short", key("schemas", []string{"00"}), "", false},
		{"negative size", key("max_proposer", -1), "max_proposer", false},
		{"size as text", key("max_proposer", "1"), "", false},
		{"too many fields", key("min_fields", 65), "min_fields", false},
		{"threshold above 1", key("min_threshold", 1.1), "min_threshold", false},
		{"negative lifetime", key("max_lifetime", "-1h"), "", false},
		{"lifetime without a unit", key("max_lifetime", "30"), "", false},
		{"nine approvals", key("approvals", 9), "approvals", false},
		{"required approvers", key("require", []string{"approvers"}), "require", false},
		{"optional purpose", key("optional", []string{"purpose"}), "optional", false},
		{"officer's key too short", key("officer_keys", []string{"AAAA"}), "officer_keys", false},
		{"negative limit", key("limits", map[string]int{"items": -1}), "limits", false},
		{"negative bucket", key("padding", map[string]int{"min_bucket": -1}), "padding", false},
		{"kept longer than kept", key("retention", map[string]int{"min_days": 2, "max_days": 1}), "retention", true},
		{"kept for ever", key("retention", map[string]int{"max_days": 36526}), "retention", false},
		{"required article of none", key("require", []string{"article"}), "articles", true},
		{"required offence of none", key("require", []string{"offence"}), "offences", true},
		{"too long", `{"version":1,"rules":[]}` + strings.Repeat(" ", MaxPolicy), "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(tt.text))
			var at *PolicyError
			switch {
			case !errors.Is(err, ErrPolicy):
				t.Errorf("%v, want %v", err, ErrPolicy)
			case tt.key != "" && (!errors.As(err, &at) || at.Key != tt.key):
				t.Errorf("%v, want key %q", err, tt.key)
			}
			if err := validates(s, []byte(tt.text)); (err == nil) != tt.byCode {
				t.Errorf("the schema says %v", err)
			}
		})
	}
	both := `{"version":1,"rules":[{"name":"a","require":["case"],"optional":["case"]}]}`
	var at *PolicyError
	if _, err := ParsePolicy([]byte(both)); !errors.As(err, &at) || at.Key != "optional" || at.Rule != 1 {
		t.Errorf("required and optional: %v", err)
	}
	officers := `{"version":1,"rules":[{"name":"a","optional":["officer"],"limits":{"officer_sessions":1}}]}`
	if _, err := ParsePolicy([]byte(officers)); !errors.As(err, &at) || at.Key != "optional" {
		t.Errorf("officers counted and optional: %v", err)
	}
	if _, err := goodPolicy().And(goodPolicy()).Marshal(); !errors.Is(err, ErrPolicy) {
		t.Errorf("a policy in two parts: %v, want %v", err, ErrPolicy)
	}
}

// Errors of the parser name keys that are known, never what the text holds.
func TestParsePolicyRevealsNothing(t *testing.T) {
	const name = "Tintin"
	for _, text := range []string{
		`{"` + name + `":1}`, `{"version":1,"profile":"` + name + `"}`, `{"version":1,"rules":[{"` + name + `":1}]}`,
		`{"version":1,"rules":[{"name":"a","max_lifetime":"` + name + `"}]}`, name, `{"version":1,"rules":"` + name + `"}`,
		`{"version":1,"rules":[{"name":"a","suites":["` + name + `"]}]}`,
	} {
		if _, err := ParsePolicy([]byte(text)); err == nil || strings.Contains(err.Error(), name) {
			t.Errorf("%v", err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "policies", "*.json"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := ParsePolicy(text); err != nil {
			f.Fatalf("%s: %v", path, err)
		}
		f.Add(text)
	}
	full, err := (&Policy{Profile: ProfileFIPS, Rules: []Rule{fullRule()}}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(`{"version":1,"rules":[{"name":"a"}]}`))
	f.Add([]byte(`{"version":1,"rules":[{"name":"a","limits":{"items":1,"items":2}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			if !errors.Is(err, ErrPolicy) {
				t.Errorf("%v, want %v", err, ErrPolicy)
			}
			return
		}
		again, err := p.Marshal()
		if err != nil {
			t.Fatalf("a policy that was read cannot be written: %v", err)
		}
		back, err := ParsePolicy(again)
		if err != nil {
			t.Fatalf("a policy that was written cannot be read: %v", err)
		}
		final, err := back.Marshal()
		if err != nil || !bytes.Equal(again, final) {
			t.Errorf("the policy changed: %v", err)
		}
	})
}
