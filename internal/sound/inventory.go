package sound

import (
	"strings"

	"github.com/comity-prl/comity/internal/rewrite"
)

// inventory is what the writers of a script make of each sound, the likeliest
// first. A sound that is not listed stays itself.
type inventory map[byte][]rewrite.Reading

// parseInventory reads lines of sounds, alike to the writers of the script, and
// what they make of each.
func parseInventory(text string) inventory {
	inv := inventory{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		for _, from := range []byte(fields[0]) {
			inv[from] = rewrite.ParseReadings(fields[1:])
		}
	}
	return inv
}

// write returns what a string of sounds becomes in the inventory.
func (inv inventory) write(sounds string) []rewrite.Reading {
	out := []rewrite.Reading{{}}
	for i := range len(sounds) {
		options, ok := inv[sounds[i]]
		if !ok {
			options = []rewrite.Reading{{Text: sounds[i : i+1]}}
		}
		var longer []rewrite.Reading
		for _, o := range options {
			for _, head := range out {
				longer = append(longer, rewrite.Reading{Text: head.Text + o.Text, Cost: head.Cost + o.Cost})
			}
		}
		out = longer
	}
	return out
}
