module github.com/open-telemetry/opentelemetry-collector-contrib/pkg/kafka/configkafka

go 1.26.7
