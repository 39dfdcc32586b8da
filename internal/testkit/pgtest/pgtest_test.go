package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"tandem/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), "CREATE TABLE here (id BIGINT)"); err != nil {
			t.Fatalf("the database was not empty: %v", err)
		}
	}
}
