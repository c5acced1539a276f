// Package comity is the front door of a library for privacy-preserving record
// linkage across jurisdictions. Two agencies find out which persons they both
// know about, and show each other nothing else.
//
// It holds no code: the line from records to matches runs through the packages
// below it, which couple by the shape of their data and not by import.
//
//	records ──Schema.Normalize──▶ fields ──Tokenizer──▶ tokens ──psi.Set──▶ Session ──▶ matches
//	                                └─────Encoder────▶ encodings ─────────▶ Session ──▶ groups
//
// A record is a row of strings. [tokenize.Schema] says what each column means
// and brings every value to one canonical form. From there two paths lead on.
//
// The exact path makes tokens: a [tokenize.Tokenizer] combines parts of fields by
// ordered rules and puts each combination through a keyed function. [psi.Send]
// and [psi.Receive] intersect the tokens of both agencies. The receiver learns
// which of its rows matched, and for each match a handle that only the sender
// can turn into one of its own rows.
//
// The approximate path makes Bloom encodings: a [bloomlink.Encoder] hashes the
// q-grams of every field under a key, so that rows that resemble each other have
// encodings that do. Both agencies know that key, so neither may see the other's
// encodings: a third party without the key, the linkage unit, compares them with
// [bloomlink.Link] and tells each agency the group numbers of its own rows.
//
// Both paths can run over any stream. Between agencies they run in a
// [protocol.Session]: TLS 1.3 with both ends authenticated, and terms (purpose,
// legal basis, sizes, expiry) that the proposer signs, the acceptor's policy
// permits, and the acceptor countersigns before a protocol byte is sent.
//
// Sets and encodings are bound to the epoch, configuration and secret that made
// them, so that a wrong set-up is an error at both ends and never looks like "no
// matches". A match is a candidate for a human to confirm, and a missing value
// never equals a missing value.
//
// The example of this package runs the whole line. The command in
// examples/pairmatch is what an agency would run.
package comity
