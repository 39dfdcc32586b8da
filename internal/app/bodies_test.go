package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestDrippingBodiesEnd: a body that never comes to its end holds nothing for longer than its time; what takes long after a whole
// body is our own work, and goes on.
func TestDrippingBodiesEnd(t *testing.T) {
	t.Parallel()
	const grace = 500 * time.Millisecond
	read, worked := make(chan error, 1), make(chan error, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/drip", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	mux.HandleFunc("/whole", func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		time.Sleep(grace + grace/2)
		if err == nil {
			err = r.Context().Err()
		}
		worked <- err
	})
	server := httptest.NewServer(bounded(grace, mux))
	t.Cleanup(server.Close)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })

	ask := func(text string) {
		if _, err := io.WriteString(connection, text); err != nil {
			t.Fatal(err)
		}
	}
	ask("POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
	if err := <-worked; err != nil {
		t.Errorf("the work after a whole body was ended: %v", err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", answer, err)
	}
	ask("POST /drip HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
	select {
	case err := <-read:
		if err == nil {
			t.Error("a third of a body was taken for the whole")
		}
	case <-time.After(time.Minute):
		t.Error("a body that does not come is waited for")
	}
}
