package synth

import (
	"strconv"
	"time"
)

// Ages are counted at the end of this year, a constant so that the output does
// not depend on the day.
const year = 2025

const (
	minAge = 16
	maxAge = 95
)

// ages weighs the bands that start at bandStart in percent, roughly as in the
// EU of the 2020s.
var (
	ages      = newWeighted([]uint32{12, 14, 16, 16, 17, 13, 9, 3})
	bandStart = [...]int{16, 25, 35, 45, 55, 65, 75, 85, maxAge + 1}
)

// age draws an age from low to high.
func (g *Generator) age(low, high int) int {
	for range 16 {
		band := ages.draw(g.r)
		age := bandStart[band] + g.r.IntN(bandStart[band+1]-bandStart[band])
		if age >= low && age <= high {
			return age
		}
	}
	return low + g.r.IntN(high-low+1)
}

// unknownBirthday are the people in a hundred from abroad whose papers give no
// day of birth, recorded as 1 January.
const unknownBirthday = 6

// birthDate draws the date of birth of somebody of an age.
func (g *Generator) birthDate(age int, immigrant bool) string {
	y := year - age
	if immigrant && g.percent(unknownBirthday) {
		return formatDate(y, 1, 1)
	}
	days := 365
	if isLeap(y) {
		days++
	}
	_, month, day := time.Date(y, 1, 1+g.r.IntN(days), 0, 0, 0, 0, time.UTC).Date()
	return formatDate(y, int(month), day)
}

func isLeap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func formatDate(y, m, d int) string {
	b := [...]byte{
		byte('0' + y/1000), byte('0' + y/100%10), byte('0' + y/10%10), byte('0' + y%10), '-',
		byte('0' + m/10), byte('0' + m%10), '-', byte('0' + d/10), byte('0' + d%10),
	}
	return string(b[:])
}

// parseDate splits a date, and is false unless it is one of the calendar from
// 1900 to year.
func parseDate(s string) (y, m, d int, ok bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, 0, 0, false
	}
	y, err1 := strconv.Atoi(s[:4])
	m, err2 := strconv.Atoi(s[5:7])
	d, err3 := strconv.Atoi(s[8:])
	if err1 != nil || err2 != nil || err3 != nil || y < 1900 || y > year || m < 1 || m > 12 || d < 1 {
		return 0, 0, 0, false
	}
	last := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m-1]
	if m == 2 && isLeap(y) {
		last++
	}
	return y, m, d, d <= last
}

func birthYear(p *Person) int {
	y, _, _, _ := parseDate(p.BirthDate)
	return y
}
