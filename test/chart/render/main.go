// Renders a chart with the engine that Helm uses, text/template with sprig, and the functions and objects that Helm adds.
// There is no Helm among the packages that the checks may install. Reads {"chart", "release", "values"} as JSON, prints the text of
// each template by its name.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

type request struct {
	Chart   string `json:"chart"`
	Release object `json:"release"`
	Values  object `json:"values"`
}

func main() {
	var asked request
	check(json.NewDecoder(os.Stdin).Decode(&asked))
	chart := object{}
	read(filepath.Join(asked.Chart, "Chart.yaml"), &chart)
	values := object{}
	read(filepath.Join(asked.Chart, "values.yaml"), &values)
	context := object{
		"Values":       merge(values, asked.Values),
		"Release":      asked.Release,
		"Chart":        capitalised(chart),
		"Capabilities": object{"KubeVersion": object{"Version": "v1.31.0", "Major": "1", "Minor": "31"}},
	}
	rendered, err := render(asked.Chart, context)
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(rendered))
}

func render(chart string, context object) (map[string]string, error) {
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if _, err := root.New(filepath.Base(file)).Parse(string(text)); err != nil {
			return nil, err
		}
	}
	rendered := map[string]string{}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text strings.Builder
		if err := root.ExecuteTemplate(&text, name, context); err != nil {
			return nil, err
		}
		// As Helm does: a key that is not there is nothing.
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	return rendered, nil
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	// Helm takes these away, so that a chart cannot read the machine of whoever installs it.
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := root.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	all["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	return all
}

// What is null in the values of the user takes a default away.
func merge(defaults, values object) object {
	for key, value := range values {
		inner, isObject := value.(object)
		former, wasObject := defaults[key].(object)
		switch {
		case value == nil:
			delete(defaults, key)
		case isObject && wasObject:
			defaults[key] = merge(former, inner)
		default:
			defaults[key] = value
		}
	}
	return defaults
}

// Templates see Chart.yaml as a Go struct.
func capitalised(chart object) object {
	fields := object{}
	for key, value := range chart {
		fields[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return fields
}

func read(file string, into *object) {
	text, err := os.ReadFile(file)
	check(err)
	check(yaml.Unmarshal(text, into))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
