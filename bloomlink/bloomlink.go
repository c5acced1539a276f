// Package bloomlink links records that resemble each other without showing them:
// keyed Bloom encodings, their similarity, and a linkage unit that compares them.
//
// An [Encoder] turns the fields of a record into one bit vector, a cryptographic
// long-term key as in Schnell, Bachteler and Reiher (BMC Medical Informatics and
// Decision Making 9:41, 2009, and the CLK of 2011), but for its hashing: every
// q-gram of every field has bits of its own that a keyed function draws one by
// one, not by double hashing, which Niedermeyer et al. (Journal of Privacy and
// Confidentiality 6(2), 2014) show to give patterns away. Records that share
// most q-grams share most bits, so that the [Dice] coefficient of two encodings
// tells how alike two records are. Before it leaves, an encoding is hardened: see
// [Hardening], which says what of it resists what. [NewCLKEncoder] makes the CLKs
// of clkhash instead, for those who have such already.
//
// An [Index] holds encodings ready to be searched. [Pairs] finds all pairs over a
// threshold, [Join] by another [Measure] or [Blocking], and [Duplicates] within one
// set; [Index.Search] looks for one encoding. [Assign] makes pairs one-to-one, and
// [ClusterGreedy] and its like make clusters over many parties.
//
// The owners of the records share the secret of the encodings, so neither may
// see the other's. Each calls [Submit], and a third party without the secret, the
// linkage unit, calls [Link]:
//
//	owner A                      unit                      owner B
//	   hello            <──▶                  <──▶            hello
//	   key confirmation  ──▶    passed on     ──▶
//	                    ◀──     passed on     ◀──  key confirmation
//	   size, encodings   ──▶                  ◀──  size, encodings
//	                     all pairs, one-to-one, as groups
//	   own groups       ◀──                   ──▶       own groups
//
// An owner learns how many rows the other has, and which of its own rows are in a
// group: a number that the other owner knows for one of its own rows. It learns no
// score. The unit learns the encodings in an order that tells nothing, how many
// each owner has, and how alike they are; it learns no key, field or row number.
// Encodings are personal data: the unit can count bits and match the graph of
// similarities against data of its own, and if it holds the key, or works with
// who does, it can try out names. It must collude with neither owner.
//
// Sets carry a [Binding] to the epoch, configuration and secret that made them.
// If those of the owners differ, all three parties get the same typed error before
// an encoding is sent: a wrong set-up never looks like "no matches". A match is a
// candidate for a human to confirm, and a missing value never equals a missing
// value.
//
// The formats on the wire and of encodings are versioned by [Version].
package bloomlink

// Version is the version of the wire format and of the way encodings are made.
const Version = 1
