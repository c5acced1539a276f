// Package tokenize turns identity fields into keyed tokens, so that two agencies
// can compare persons without either seeing the other's records.
//
//	Record ──Schema.Normalize──▶ Fields ──Rules──▶ parts of fields ──PRF──▶ Tokens
//
// A [Schema] says what each column means. Normalize brings every value to one
// canonical form, so that "MÜLLER " and "Müller", or "25.01.1978" and
// "1978-01-25", are the same. A [Rule] names the parts of fields that make one
// key, such as family name, initial and birth date; an ordered list of rules
// tolerates errors that no single key does. A [Tokenizer] puts each key through a
// pseudorandom function: [NewHMAC] is the one for a secret that both agencies hold,
// [NewOPRF] that of a key server, and [NewThreshold] that of several servers of which
// none holds the key. [NewRotatable] makes tokens that move to the next key without
// the identities.
//
// A missing value never equals a missing value: a record that lacks a part of a
// rule has no token for that rule.
//
// Tokens are bound to the epoch, the rules, the kinds of field they use, and the
// versions of everything that shapes a canonical form: [Tokenizer.Hash]. Names
// and order of fields are not part of it, so that agencies whose columns differ
// can agree.
//
// Who holds the secret, or may ask its server, can guess identities and compare
// tokens, so tokens go into a private set intersection (package psi) and never to the
// peer. Nobody else learns anything from them: without the secret, tokens of one person under two
// rules or two epochs look unrelated.
package tokenize
