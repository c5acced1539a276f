// Package protocol runs sessions between agencies: who the other side is, what
// both agreed to, and a channel over which only that can run.
//
// A [Session] is a TLS 1.3 connection with both ends authenticated, terms that both
// signed, and at most one run of a protocol of package psi or bloomlink. Where the
// connection is lost, another one takes its place and the run goes on.
//
//	proposer                                             acceptor
//	   ◀── TLS 1.3: each presents a certificate that the other trusts ──▶
//	   hello: version, role, clock, signing key   ──▶
//	                                              ◀──    hello
//	   terms, signed                              ──▶    policy
//	                                              ◀──    the same terms, countersigned
//	   ◀──                 commitment to the own set, signed          ──▶
//	   ◀──                      the run the terms name                ──▶
//	   ◀──                      hash of the transcript                ──▶
//
// An agency makes an [Identity] once, gives others its [Peer] over a channel that
// they trust, and lists theirs in a [Config]. The proposer calls [Dial] with
// [Terms]; the acceptor calls [Listen] with a [Policy], and Accept. Then each
// calls the method that the terms give to its side: [Session.Send], and
// [Session.Receive] or [Session.Count], for exact tokens; [Session.Submit] at the
// owners, and [Link] at the unit that accepted both, for Bloom encodings. [Probe]
// tries out a peer without terms and data. [DialMailbox] and [ListenMailbox] do the
// same over a shared folder, for agencies that cannot open a port, and [Steps] takes a
// session through one, a message at a time, where the two do not run at the same time.
//
// Terms pick what runs: suite, function, who receives, how much. A set must carry
// the epoch and configuration that the terms name. Anything else is an error at
// both ends before the first byte about the data: a wrong set-up never looks like
// "no matches".
//
// A [Policy] is versioned JSON: the first [Rule] for the peer and purpose decides, and
// refuses what it does not list. The [Limits] of a rule hold over sessions by a
// [Ledger], which counts each before its first byte; what bounds whom is said there.
// [Session.Commitments] are what each side signed to have put in, and an [Opening]
// shows that to an auditor.
//
// Each end learns the other's certificate, signing key, clock and terms, and what
// the run reveals. A peer that does not prove a trusted identity learns the own
// certificate, and a proposer alone tells it its role and clock. The network
// learns addresses, times and sizes.
//
// With a [Log] in the Config, each session has one entry in a tamper-evident audit
// log on either side, and none gives out a result without. Agencies cosign each
// other's logs.
//
// The formats on the wire, in a mailbox and of the log are in SPEC.md. They are
// versioned by [Version], [PolicyVersion], [LedgerVersion] and [LogVersion]; another
// version is refused by name, but for entries of the log of version 1, which are read.
package protocol
