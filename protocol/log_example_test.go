package protocol_test

import (
	"fmt"
	"os"
	"time"

	"github.com/comity-prl/comity/protocol"
)

// An agency logs what it collected, has another one cosign the log, and erases at
// the end of retention.
func ExampleLog() {
	folder, err := os.MkdirTemp("", "example-")
	check(err)
	defer os.RemoveAll(folder)
	arcadia, err := protocol.NewIdentity("Police of Arcadia", 0)
	check(err)
	borduria, err := protocol.NewIdentity("Bureau of Borduria", 0)
	check(err)
	own, err := protocol.OpenLog(folder+"/a", arcadia)
	check(err)
	witness, err := protocol.OpenLog(folder+"/b", borduria)
	check(err)

	then := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	check(own.Append(&protocol.Entry{Event: protocol.Collection, Time: then, Officer: "o-17", Reason: "seized list", OwnSize: 12}))
	request, err := own.Request(borduria.SigningKey(), -1)
	check(err)
	note, err := witness.Cosign(request, arcadia.Peer(), then)
	check(err)
	_, err = own.AddCosignature(note, borduria.Peer())
	check(err)

	later := then.AddDate(3, 0, 1)
	erased, _, err := own.Erase(protocol.Retention{Before: then.AddDate(0, 0, 1), Now: later, Reason: "three years"})
	check(err)
	report, err := own.Verify([]protocol.Peer{borduria.Peer()})
	check(err)
	fmt.Printf("%d entries, %d erased; %s cosigned %d\n", report.Entries, erased, report.Witnesses[0].Name, report.Witnesses[0].Size)
	// Output: 2 entries, 1 erased; Bureau of Borduria cosigned 1
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
