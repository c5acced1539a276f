package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus scrapes. Labels are names of the configuration, never
// what a peer sends.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	elements  *prometheus.CounterVec
	spent     *prometheus.CounterVec
	strangers prometheus.Counter
	seconds   prometheus.Histogram
}

func newMetrics() *metrics {
	name := func(s string) string { return prometheus.BuildFQName("comity", "keyserver", s) }
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("requests_total"), Help: "Requests for evaluation, by peer and by how they ended.",
		}, []string{"peer", "status"}),
		elements: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("elements_total"), Help: "Blinded elements evaluated since the start.",
		}, []string{"peer", "epoch"}),
		spent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("quota_refusals_total"), Help: "Requests refused for a quota: that of the epoch, peer or officer.",
		}, []string{"peer", "quota"}),
		strangers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: name("strangers_total"), Help: "Connections with a certificate that is no peer's.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("evaluation_seconds"), Help: "Time from request to answer.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
	}
	m.registry.MustRegister(m.requests, m.elements, m.spent, m.strangers, m.seconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
