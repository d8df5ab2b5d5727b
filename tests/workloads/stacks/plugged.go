// SPDX-License-Identifier: BSD-2-Clause

//go:build cgo && withplugin
// +build cgo,withplugin

package main

import (
	"os"
	"plugin"
	"reflect"
)

// insert makes a map grow by this program's own runtime: the plugin's copy of it has no probes.
//
//go:noinline
func insert(m interface{}, key string, value interface{}) {
	reflect.ValueOf(m).SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(value))
}

// The plugin has the map grow, of a type that the plugin alone has.
func runPlugged() {
	p, err := plugin.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	f, err := p.Lookup("Grow")
	if err != nil {
		panic(err)
	}
	f.(func(func(interface{}), func(interface{}, string, interface{}), func(int) int))(func(m interface{}) {
		scenario(m)
		current.Below = true
	}, insert, note)
}

func init() {
	more = append(more, runPlugged)
}
