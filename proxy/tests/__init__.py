"""Tests of the proxy. They meet the mock nowhere: their upstreams are sockets of their own."""
