// SPDX-License-Identifier: BSD-2-Clause

// Visitor is a steady load for a server: so many HTTP requests, or NATS messages there and back, a
// second. At the end it prints how many it made, and fails if the server did not answer well.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/life"
)

var done, failed uint64

func visit(client *http.Client, url, body string) {
	var response *http.Response
	var err error
	if body == "" {
		response, err = client.Get(url)
	} else {
		response, err = client.Post(url, "application/json", strings.NewReader(body))
	}
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	if err != nil || response.StatusCode != http.StatusOK {
		atomic.AddUint64(&failed, 1)
		return
	}
	atomic.AddUint64(&done, 1)
}

// message publishes to a subject that this very connection subscribes to, and reads it back:
// https://docs.nats.io/reference/reference-protocols/nats-protocol
func message(conn net.Conn, in *bufio.Reader) error {
	if _, err := io.WriteString(conn, "PUB visits 5\r\nhello\r\n"); err != nil {
		return err
	}
	for {
		line, err := in.ReadString('\n')
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(line, "PING"):
			_, err = io.WriteString(conn, "PONG\r\n")
		case strings.HasPrefix(line, "hello"):
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func nats(address string, turns <-chan struct{}) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "visitor:", err)
		os.Exit(1)
	}
	in := bufio.NewReader(conn)
	io.WriteString(conn, "CONNECT {\"verbose\":false}\r\nSUB visits 1\r\n")
	for range turns {
		if message(conn, in) != nil {
			atomic.AddUint64(&failed, 1)
			return
		}
		atomic.AddUint64(&done, 1)
	}
}

func main() {
	url := flag.String("url", "", "visit this")
	body := flag.String("body", "", "POST this there")
	address := flag.String("nats", "", "or send messages through this NATS server")
	rate := flag.Float64("rate", 100, "visits per second")
	visitors := flag.Int("visitors", 8, "so many at once")
	limit := flag.Duration("limit", 10*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	turns := make(chan struct{}, 1000)
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: *visitors},
	}
	for i := 0; i < *visitors; i++ {
		if *address != "" {
			go nats(*address, turns)
			continue
		}
		go func() {
			for range turns {
				visit(client, *url, *body)
			}
		}()
	}
	l.Ready()
	start, due := time.Now(), 0.0
	for tick := time.NewTicker(10 * time.Millisecond); !l.Stopped(); <-tick.C {
		for ; due < *rate*time.Since(start).Seconds(); due++ {
			select {
			case turns <- struct{}{}:
			default: // the server is behind: what it can't take is not made up for
			}
		}
	}
	fmt.Printf("visits %d failed %d seconds %.3f\n", done, failed, time.Since(start).Seconds())
	if failed > 0 || done == 0 {
		os.Exit(1)
	}
}
