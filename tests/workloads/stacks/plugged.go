// SPDX-License-Identifier: BSD-2-Clause

//go:build cgo && withplugin
// +build cgo,withplugin

package main

import (
	"os"
	"plugin"
)

var grow func(announce func(m interface{}), note func(int) int)

// The plugin has a map grow, of a type that the plugin alone has.
func runPlugged() { grow(scenario, note) }

// The plugin is there before anybody attaches.
func init() {
	p, err := plugin.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	f, err := p.Lookup("Grow")
	if err != nil {
		panic(err)
	}
	grow = f.(func(func(interface{}), func(int) int))
	more = append(more, runPlugged)
}
