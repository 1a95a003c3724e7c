package httpserver

import (
	"reflect"
)

// paramName is the name of the parameter that a generated binding error is about. Every generated package has its own
// copies of those error types, alike in one exported field; "" when err is none of them.
func paramName(err error) string {
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return ""
	}
	name := v.FieldByName("ParamName")
	if !name.IsValid() || name.Kind() != reflect.String {
		return ""
	}
	return name.String()
}
