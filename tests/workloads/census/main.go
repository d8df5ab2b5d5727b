// SPDX-License-Identifier: BSD-2-Clause

// Census keeps known numbers of goroutines in known states and tells when it started them. SIGUSR1
// starts one group more, SIGUSR2 prints what the runtime itself says of every goroutine.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Nothing of these ever happens.
var (
	silent  = make(chan int)
	full    = make(chan int)
	never   = make(chan bool)
	locked  sync.Mutex
	pending sync.WaitGroup
	signal  = sync.NewCond(&sync.Mutex{})
	spins   uint64
	// Kept, or their finalizers close them.
	listener net.Listener
	conns    []net.Conn
)

func receive() { <-silent }
func send()    { full <- 1 }
func sleep()   { time.Sleep(time.Hour) }
func lock()    { locked.Lock() }
func wait()    { pending.Wait() }

func choose() {
	select {
	case <-silent:
	case <-never:
	}
}

func await() {
	signal.L.Lock()
	signal.Wait()
	signal.L.Unlock()
}

// read waits in the network poller.
func read(conn net.Conn) {
	var b [1]byte
	if _, err := conn.Read(b[:]); err != nil {
		panic(err)
	}
}

// block waits in the kernel, with its thread.
func block(fd int) {
	var b [1]byte
	if _, err := syscall.Read(fd, b[:]); err != nil {
		panic(err)
	}
}

func spin() {
	for {
		spins++
		// A loop without a call can't be preempted before Go 1.14, and is not pretty after.
		runtime.KeepAlive(&spins)
	}
}

//go:noinline
func startReceive(n int) {
	for i := 0; i < n; i++ {
		go receive()
	}
}

//go:noinline
func startSend(n int) {
	for i := 0; i < n; i++ {
		go send()
	}
}

//go:noinline
func startSelect(n int) {
	for i := 0; i < n; i++ {
		go choose()
	}
}

//go:noinline
func startSleep(n int) {
	for i := 0; i < n; i++ {
		go sleep()
	}
}

//go:noinline
func startMutex(n int) {
	locked.Lock()
	for i := 0; i < n; i++ {
		go lock()
	}
}

//go:noinline
func startWaitGroup(n int) {
	pending.Add(1)
	for i := 0; i < n; i++ {
		go wait()
	}
}

//go:noinline
func startCond(n int) {
	for i := 0; i < n; i++ {
		go await()
	}
}

//go:noinline
func startIO(n int) {
	var err error
	listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			panic(err)
		}
		conns = append(conns, conn)
		go read(conn)
	}
}

//go:noinline
func startSyscall(n int) {
	for i := 0; i < n; i++ {
		var fds [2]int
		if err := syscall.Pipe(fds[:]); err != nil {
			panic(err)
		}
		go block(fds[0])
	}
}

//go:noinline
func startSpin(n int) {
	for i := 0; i < n; i++ {
		go spin()
	}
}

//go:noinline
func startLate(n int) {
	for i := 0; i < n; i++ {
		go receive()
	}
}

// group starts n goroutines and tells between which times: on the wall clock, ns since 1970.
func group(name string, start func(int), n int) {
	first := time.Now()
	start(n)
	last := time.Now()
	fmt.Printf("{\"type\":\"group\",\"site\":\"main.%s\",\"count\":%d,\"first_ns\":%d,\"last_ns\":%d}\n",
		name, n, first.UnixNano(), last.UnixNano())
}

// stacks prints the runtime's own traceback of every goroutine.
func stacks() {
	buf := make([]byte, 1<<20)
	n := runtime.Stack(buf, true)
	for n == len(buf) {
		buf = make([]byte, 2*len(buf))
		n = runtime.Stack(buf, true)
	}
	fmt.Printf("%s\nend of stacks\n", buf[:n])
}

func main() {
	many := flag.Int("many", 5, "goroutines of the first group")
	churn := flag.Int("churn", 1000, "goroutines to start and end first, so that ids are reused and skipped")
	gap := flag.Duration("gap", 150*time.Millisecond, "time between two groups, with a collection in it")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	// More Ps than one, whatever the machine: each has a batch of ids of its own.
	runtime.GOMAXPROCS(4)
	l := life.Begin(*limit)
	var done sync.WaitGroup
	done.Add(*churn)
	for i := 0; i < *churn; i++ {
		go done.Done()
	}
	done.Wait()
	for i, g := range []struct {
		name  string
		start func(int)
		n     int
	}{
		{"startReceive", startReceive, *many},
		{"startSend", startSend, 6},
		{"startSelect", startSelect, 7},
		{"startSleep", startSleep, 8},
		{"startMutex", startMutex, 9},
		{"startWaitGroup", startWaitGroup, 10},
		{"startCond", startCond, 11},
		{"startIO", startIO, 12},
		{"startSyscall", startSyscall, 3},
		{"startSpin", startSpin, 1},
	} {
		group(g.name, g.start, g.n)
		time.Sleep(*gap)
		if i%2 == 0 {
			runtime.GC()
		}
	}
	fmt.Printf("{\"type\":\"truth\",\"goroutines\":%d}\n", runtime.NumGoroutine())
	l.Ready()
	for {
		select {
		case <-l.Start:
			group("startLate", startLate, 4)
		case <-l.Stop:
			stacks()
		case <-l.End:
			os.Exit(0)
		case <-l.Limit:
			os.Exit(0)
		}
	}
}
