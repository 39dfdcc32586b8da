package outlook

import "context"

type ctx = context.Context
