package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The files of a live mailbox are in SPEC.md, to the byte. Their names are
//
//	comity-live1-SESSION-SIDE-KIND
//
// and each has a header with a checksum, which tells a whole file from one that is
// still on its way; that a file is the peer's is for TLS to find out.

const (
	mailPrefix   = "comity-live1-"
	mailPart     = ".part"
	mailMagic    = "comity-mail\x01"
	mailFixed    = len(mailMagic) + len(mailSession{}) + 2 // what the name says too
	mailVariable = 8 + sha256.Size                         // number, length, checksum
	mailHeader   = mailFixed + mailVariable
	maxMailData  = 256 << 10
	mailWindow   = 64
)

type mailSession [16]byte

// A mailSide is an end of a connection, as it stands in names.
type mailSide byte

const (
	caller   mailSide = 'c'
	answerer mailSide = 'a'
)

func (s mailSide) other() mailSide {
	if s == caller {
		return answerer
	}
	return caller
}

type mailKind byte

const (
	mailData   mailKind = 'd'
	mailRead   mailKind = 'r'
	mailClosed mailKind = 'c'
)

// mailName is the name of a file. Only data files have a number in it.
type mailName struct {
	session mailSession
	side    mailSide
	kind    mailKind
	number  uint32
}

func (n mailName) String() string {
	kind := map[mailKind]string{mailRead: "read", mailClosed: "closed"}[n.kind]
	if n.kind == mailData {
		kind = fmt.Sprintf("%08x", n.number)
	}
	return fmt.Sprintf("%s%x-%c-%s", mailPrefix, n.session[:], n.side, kind)
}

// parseMailName reports whether a file is one of a live mailbox.
func parseMailName(s string) (n mailName, ok bool) {
	rest, ours := strings.CutPrefix(s, mailPrefix)
	parts := strings.Split(rest, "-")
	if !ours || len(parts) != 3 || len(parts[0]) != 2*len(n.session) || len(parts[1]) != 1 {
		return n, false
	}
	if _, err := hex.Decode(n.session[:], []byte(parts[0])); err != nil {
		return n, false
	}
	n.side = mailSide(parts[1][0])
	switch parts[2] {
	case "read":
		n.kind = mailRead
	case "closed":
		n.kind = mailClosed
	default:
		number, err := strconv.ParseUint(parts[2], 16, 32)
		if err != nil {
			return n, false
		}
		n.kind, n.number = mailData, uint32(number)
	}
	known := n.side == caller || n.side == answerer
	return n, known && n.String() == s // one spelling only
}

// fixed is how every file of the name begins.
func (n mailName) fixed() []byte {
	b := append([]byte(mailMagic), n.session[:]...)
	return append(b, byte(n.side), byte(n.kind))
}

// marshalMail returns the bytes of a file.
func marshalMail(n mailName, number uint32, payload []byte) []byte {
	return marshalFile(n.fixed(), number, payload)
}

// marshalFile returns the bytes of a file of either form of a mailbox, which begins
// with what its name says too.
func marshalFile(fixed []byte, number uint32, payload []byte) []byte {
	b := make([]byte, 0, len(fixed)+mailVariable+len(payload))
	b = append(b, fixed...)
	b = binary.BigEndian.AppendUint32(b, number)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	sum := mailChecksum(b, payload)
	b = append(b, sum[:]...)
	return append(b, payload...)
}

func mailChecksum(head, payload []byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(head)
	h.Write(payload)
	h.Sum(sum[:0])
	return sum
}

// errNotWhole marks a file that may become whole when the rest of it has come.
var errNotWhole = errors.New("protocol: file of a mailbox that is not whole yet")

// parseMail returns the number and payload of a file of the given name. Errors are
// those of parseFile.
func parseMail(in []byte, n mailName) (number uint32, payload []byte, err error) {
	number, payload, err = parseFile(in, n.String(), n.fixed())
	switch {
	case err != nil:
		return 0, nil, err
	case n.kind == mailData && number != n.number:
		return 0, nil, &MailError{File: n.String(), Reason: "its number is another"}
	case (n.kind == mailData) != (len(payload) > 0):
		return 0, nil, &MailError{File: n.String(), Reason: "its length is not one of its kind"}
	}
	return number, payload, nil
}

// parseFile returns what marshalFile put into the file of a name. The error is
// errNotWhole, or *MailError for what no transport makes of a good file: one that
// copies in order shows its beginning, one that makes room first shows zeros in places.
func parseFile(in []byte, name string, fixed []byte) (number uint32, payload []byte, err error) {
	malformed := func(reason string) (uint32, []byte, error) {
		return 0, nil, &MailError{File: name, Reason: reason}
	}
	header := len(fixed) + mailVariable
	shown := in[:min(len(in), header)]
	if len(bytes.Trim(shown, "\x00")) == 0 {
		return 0, nil, errNotWhole
	}
	if !bytes.HasPrefix(fixed, shown[:min(len(shown), len(fixed))]) {
		return malformed("its header is not that of the file of this name")
	}
	if len(in) < header {
		return 0, nil, errNotWhole
	}
	number = binary.BigEndian.Uint32(in[len(fixed):])
	length := binary.BigEndian.Uint32(in[len(fixed)+4:])
	payload = in[header:]
	switch {
	case length > maxMailData:
		return malformed("it is too long")
	case int(length) < len(payload):
		return malformed("it goes on after its end")
	case int(length) > len(payload):
		return 0, nil, errNotWhole
	}
	if sum := mailChecksum(in[:len(fixed)+8], payload); !bytes.Equal(sum[:], in[len(fixed)+8:header]) {
		return 0, nil, errNotWhole
	}
	return number, payload, nil
}
