// Package deps holds no code: its test enforces the import rules of this module.
package deps
