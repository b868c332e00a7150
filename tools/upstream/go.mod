module github.com/grafana/alloy/okta/tools/upstream

go 1.26.7
