package protocol

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync"
	"time"
)

const (
	defaultPoll = 250 * time.Millisecond

	// Durations where a file may take minutes to come: the handshake is six of
	// them in a row, a hello that came late looks like a clock behind, and each
	// sign of life is a file.
	mailHandshake = 30 * time.Minute
	mailIdle      = 15 * time.Minute
	mailSkew      = 10 * time.Minute
	mailAlive     = time.Minute
	mailResume    = time.Hour

	// wholeWithin bounds how long a file may be on its way once a part of it is
	// there.
	wholeWithin = 10 * time.Minute

	// staleAfter is the age at which files are left over. A session that was
	// silent for so long is over.
	staleAfter = 24 * time.Hour

	// maxMailSessions bounds what a listener knows of sessions in its folder.
	maxMailSessions = 4096
)

// Mailbox is a folder that two agencies, or several owners and a linkage unit,
// share: on a file server, synchronised between computers, mounted over SFTP, or
// carried on a disk. Sessions run over it while the processes at both ends do,
// none of which opens a port. TLS and all of a session are as over TCP, so that
// whoever runs the folder sees times, sizes and ciphertext; it can destroy a
// session and do no more.
//
// One acceptor listens at a folder; any number of proposers may dial. Files of
// others in it are left alone. The files of a session are numbered, at most 64
// of 256 KiB wait in either direction, and are deleted when they have been read.
// What a session that ended in disorder leaves is deleted by the next one a day
// later.
type Mailbox struct {
	// Dir is the folder. It exists, and both ends may read, write and delete in it.
	Dir string
	// Poll is how often to look for new files where none came lately. 0: every
	// 250 ms.
	Poll time.Duration
}

// Dial begins a connection. Whether somebody listens at the folder shows when it
// is read from. The connection must be closed. It keeps nothing secret by itself:
// DialMailbox runs a session over it.
func (m *Mailbox) Dial() (net.Conn, error) {
	c, err := m.dial()
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (m *Mailbox) dial() (*mailConn, error) {
	f, err := openMailFolder(m)
	if err != nil {
		return nil, err
	}
	f.sweep()
	return newMailConn(f, m.Dir, newMailSession(), caller), nil
}

// Listen returns a listener for the connections that others Dial. It knows the
// last 4096 of them; an older one that the folder shows again is a new connection
// that fails.
func (m *Mailbox) Listen() (net.Listener, error) {
	f, err := openMailFolder(m)
	if err != nil {
		return nil, err
	}
	f.sweep()
	return &mailListener{m: *m, folder: f, closed: make(chan struct{}), known: make(map[mailSession]bool)}, nil
}

// DialMailbox is Dial for a peer that listens at a mailbox. Where the configuration
// leaves durations open, they are fit for files that take minutes: 30 minutes for
// the handshake, 15 of silence, an hour to resume, and a clock may seem 10 minutes
// off. Errors are
// those of Dial, ErrMailbox for a folder that cannot be used, ErrUnanswered where
// nobody answered within the handshake's time, and *MailError.
func DialMailbox(ctx context.Context, m *Mailbox, t *Terms, c *Config) (*Session, error) {
	var s *Session
	err := m.call(func(open opener) (err error) {
		s, err = dial(ctx, t, c.forMailbox(), open)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return s, nil
}

// ProbeMailbox is Probe for a peer that listens at a mailbox, with durations and
// errors as DialMailbox has them. The clock of a peer whose hello was long on its way
// looks as far behind.
func ProbeMailbox(ctx context.Context, m *Mailbox, c *Config) (*Report, error) {
	var r *Report
	err := m.call(func(open opener) (err error) {
		r, err = probe(ctx, c.forMailbox(), open)
		return err
	})
	if err != nil {
		return r, fmt.Errorf("probe: %w", err)
	}
	return r, nil
}

// call runs f, which begins a connection, and takes back what it put into the folder
// where nobody answered.
func (m *Mailbox) call(f func(open opener) error) error {
	var conn *mailConn
	err := f(func(context.Context) (net.Conn, error) {
		if conn != nil && !conn.heard.Load() { // an attempt to resume that nobody answered
			m.withdraw(conn.session)
		}
		var err error
		if conn, err = m.dial(); err != nil {
			return nil, err
		}
		return conn, nil
	})
	if err == nil || conn == nil || conn.heard.Load() {
		return err
	}
	m.withdraw(conn.session)
	if errors.Is(err, ErrStalled) {
		return ErrUnanswered
	}
	return err
}

// withdraw deletes the files of a session that nobody answered.
func (m *Mailbox) withdraw(s mailSession) {
	if f, err := openMailFolder(m); err == nil {
		f.clear(s)
		_ = f.root.Close() // which was for looking up names
	}
}

// ListenMailbox is Listen at a mailbox, with durations as DialMailbox has them.
func ListenMailbox(m *Mailbox, c *Config) (*Listener, error) {
	l, err := listen(c.forMailbox(), m.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// forMailbox returns a copy with durations fit for a mailbox.
func (c *Config) forMailbox() *Config {
	if c == nil {
		return nil
	}
	d := *c
	for _, v := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&d.Skew, mailSkew}, {&d.HandshakeTimeout, mailHandshake}, {&d.IdleTimeout, mailIdle}, {&d.aliveEvery, mailAlive}, {&d.ResumeTimeout, mailResume}} {
		if *v.value == 0 {
			*v.value = v.fallback
		}
	}
	return &d
}

// mailListener finds new connections in a folder.
type mailListener struct {
	m      Mailbox
	folder *mailFolder

	closing sync.Once
	closed  chan struct{}

	accepting sync.Mutex
	known     map[mailSession]bool
	order     []mailSession // of known, the oldest first
	failing   bool          // the folder could not be listed, and the caller knows
}

// Accept returns the next connection. A connection begins with the caller's first
// file.
func (l *mailListener) Accept() (net.Conn, error) {
	l.accepting.Lock()
	defer l.accepting.Unlock()
	for {
		select {
		case <-l.closed:
			return nil, net.ErrClosed
		default:
		}
		s, found, err := l.look()
		if err != nil && !l.failing {
			l.failing = true
			return nil, err
		}
		l.failing = err != nil
		if found {
			return l.open(s)
		}
		select {
		case <-time.After(l.folder.poll):
		case <-l.closed:
		}
	}
}

func (l *mailListener) open(s mailSession) (net.Conn, error) {
	f, err := openMailFolder(&l.m)
	if err != nil {
		return nil, err
	}
	if len(l.order) == maxMailSessions {
		delete(l.known, l.order[0])
		l.order = l.order[1:]
	}
	l.known[s] = true
	l.order = append(l.order, s)
	return newMailConn(f, l.m.Dir, s, answerer), nil
}

// look returns a new session, and deletes what remains of those that both sides
// have closed.
func (l *mailListener) look() (s mailSession, found bool, err error) {
	ends := make(map[mailSession]int)
	err = l.folder.walk(func(e fs.DirEntry, n mailName) {
		switch {
		case e.Name() != n.String(): // a file that is being written
		case n.kind == mailClosed && len(ends) < maxMailSessions:
			ends[n.session]++
		case n.kind == mailData && n.number == 0 && n.side == caller && !l.known[n.session]:
			s, found = n.session, true
		}
	})
	for s, closed := range ends {
		if closed == 2 {
			l.folder.clear(s)
		}
	}
	return s, found && ends[s] < 2, err
}

// Close ends Accept. Connections that it has returned stay open.
func (l *mailListener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	l.accepting.Lock() // Accept looks no more
	defer l.accepting.Unlock()
	return l.folder.root.Close()
}

func (l *mailListener) Addr() net.Addr { return mailAddr{dir: l.m.Dir} }
