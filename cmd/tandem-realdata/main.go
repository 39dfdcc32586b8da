// Command tandem-realdata carries files that real programs wrote through a running Tandem, and reports what became of
// every record and property: into the CRM by its REST API, by sync to Outlook, and back by Microsoft Graph.
//
//	tandem-realdata -calendars DIR -contacts DIR -out report
//
// starts a Tandem of its own with a simulated Microsoft 365, and
//
//	tandem-realdata -url http://127.0.0.1:8080 -token T -graph http://127.0.0.1:8365/v1.0 -graph-token G ...
//
// takes one that runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"tandem/internal/realdata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o realdata.Options
	address := flag.String("url", "", "address of a running Tandem; empty: start one, with a simulated Microsoft 365")
	token := flag.String("token", "", "token of the person who gets the records")
	graph := flag.String("graph", "", "address of Microsoft Graph or the simulator's, with /v1.0; empty: what arrives in Outlook is not looked at")
	graphToken := flag.String("graph-token", "", "bearer token of the same person for Graph")
	flag.StringVar(&o.Calendars, "calendars", "", "folder of .ics files")
	flag.StringVar(&o.Contacts, "contacts", "", "folder of .vcf files")
	flag.StringVar(&o.Zone, "zone", "", "IANA zone of times without one (default: the person's)")
	flag.DurationVar(&o.Patience, "patience", 10*time.Minute, "how long to wait for sync")
	out := flag.String("out", "", "write the report to this name with .md and .json; empty: Markdown to standard output")
	flag.Parse()

	if *address == "" {
		stop, err := demo(ctx, &o)
		if err != nil {
			return err
		}
		defer stop()
	} else {
		o.CRM = &realdata.Service{URL: *address, Token: *token}
		if *graph != "" {
			o.Graph = &realdata.Service{URL: *graph, Token: *graphToken}
		}
	}
	o.Tell = func(s string) { fmt.Fprintln(os.Stderr, s) }
	report, err := realdata.Run(ctx, o)
	if report == nil {
		return err
	}
	if werr := write(report, *out); werr != nil {
		return werr
	}
	t := report.Totals()
	o.Tell(fmt.Sprintf("%d files, %d events, %d cards: %d records, %d the same everywhere, %d different, %d refused, %d not in Outlook for a named reason",
		t.Files, t.Events, t.Cards, t.Records, t.Same, t.Different, t.Refused, t.NotInStep))
	if n := report.Unexplained(); err == nil && n > 0 {
		err = fmt.Errorf("%d records differ without a reason", n)
	}
	return err
}

func write(report *realdata.Report, name string) error {
	if name == "" {
		return report.Markdown(os.Stdout)
	}
	for end, to := range map[string]func(*os.File) error{
		".md":   func(f *os.File) error { return report.Markdown(f) },
		".json": func(f *os.File) error { return report.JSON(f) },
	} {
		f, err := os.Create(name + end)
		if err != nil {
			return err
		}
		if err := to(f); err != nil {
			_ = f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
