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
//	   ◀──                      the run the terms name                ──▶
//	   ◀──                      hash of the transcript                ──▶
//
// An agency makes an [Identity] once, gives others its [Peer] over a channel that
// they trust, and lists theirs in a [Config]. The proposer calls [Dial] with
// [Terms]; the acceptor calls [Listen] with a [Policy], and Accept. Then each
// calls the method that the terms give to its side: [Session.Send] or
// [Session.Receive] for exact tokens; [Session.Submit] at the owners, and [Link]
// at the unit that accepted both, for Bloom encodings. [Probe] tries out a peer
// without terms and data. [DialMailbox] and [ListenMailbox] do the same over a shared
// folder, for agencies that cannot open a port.
//
// Terms pick what runs: suite, function, who receives, how much. A set must carry
// the epoch and configuration that the terms name. Anything else is an error at
// both ends before the first byte about the data: a wrong set-up never looks like
// "no matches".
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
// versioned by [Version] and [LogVersion]; two versions refuse each other by name.
package protocol
