package memo

import (
	"strconv"
	"sync"
	"testing"
)

func TestMemo(t *testing.T) {
	m := New[int](4)
	key := []byte("a")
	if _, ok := m.Get(key); ok {
		t.Error("an empty memo knows something")
	}
	m.Put(key, 1)
	m.Put(key, 2)
	key[0] = 'b' // the memo must have kept a copy
	if v, ok := m.Get([]byte("a")); !ok || v != 2 {
		t.Errorf("%d, %v; want 2", v, ok)
	}
	if _, ok := m.Get(key); ok {
		t.Error("one key stands for another")
	}
}

func TestKeys(t *testing.T) {
	m := New[int](10)
	for n := range MaxKey + 2 {
		key := make([]byte, n) // zeros, so that the length alone tells them apart
		m.Put(key, n)
		if v, ok := m.Get(key); ok != (n <= MaxKey) || ok && v != n {
			t.Errorf("%d bytes: %d, %v", n, v, ok)
		}
	}
}

// Whatever is displaced, a key never gets another key's value.
func TestMemoIsShared(t *testing.T) {
	m := New[int](6)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for i := range 5000 {
				key := strconv.AppendInt(nil, int64(i%200), 10)
				if v, ok := m.Get(key); ok && v != i%200 {
					t.Errorf("key %s has %d", key, v)
					return
				}
				m.Put(key, i%200)
			}
		})
	}
	running.Wait()
	found := 0
	for i := range 200 {
		if _, ok := m.Get(strconv.AppendInt(nil, int64(i), 10)); ok {
			found++
		}
	}
	if found == 0 || found > 1<<6 {
		t.Errorf("%d of 200 keys found in 64 places", found)
	}
}

// Two keys of one pair stay, and a third displaces the older.
func TestMemoKeepsTheNewerTwo(t *testing.T) {
	m := New[int](1)
	keys := [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	for i, key := range keys {
		m.Put(key, i)
	}
	for i, key := range keys {
		if v, ok := m.Get(key); ok != (i > 0) || ok && v != i {
			t.Errorf("key %s: %d, %v", key, v, ok)
		}
	}
}
