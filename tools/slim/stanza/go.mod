module github.com/open-telemetry/opentelemetry-collector-contrib/pkg/stanza

go 1.26.7
