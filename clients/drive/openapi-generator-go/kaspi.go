// Kaspi's API by a Go client of openapi-generator: a server's base address and an API key.
package main

import (
	"context"
	"errors"
	"log"
	"os"
	"strconv"
	"time"

	openapi "github.com/GIT_USER_ID/GIT_REPO_ID"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func refused(err error) openapi.ErrorResponse {
	var told *openapi.GenericOpenAPIError
	if !errors.As(err, &told) {
		log.Fatalf("not refused: %v", err)
	}
	return told.Model().(openapi.ErrorResponse)
}

func main() {
	configuration := openapi.NewConfiguration()
	configuration.Servers[0].URL = os.Args[1]
	client := openapi.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), openapi.ContextAPIKeys, map[string]openapi.APIKey{
		"ApiKeyAuth": {Key: os.Args[2]},
	})
	order := "order-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	request := openapi.NewDeliveryRequest(
		order,
		*openapi.NewLocation("55 Tole Bi, Almaty", *openapi.NewContact("Warehouse 2", "+7 727 222 0000")),
		*openapi.NewLocation("9 Dostyk Ave, Almaty", *openapi.NewContact("Aigerim S.", "+7 705 222 2222")),
		*openapi.NewParcel("Machines", 900, 5_000_000_000),
	)
	created, _, err := client.DeliveriesAPI.CreateDelivery(ctx).DeliveryRequest(*request).IdempotencyKey(order).Execute()
	must(err)

	got, _, err := client.DeliveriesAPI.GetDelivery(ctx, created.DeliveryId).IncludeHistory(true).Execute()
	must(err)
	if got.ExternalOrderId != order || got.Parcel.ValueKzt != 5_000_000_000 || len(got.History) == 0 {
		log.Fatalf("got %+v", got)
	}

	wanted := []openapi.DeliveryStatus{openapi.CREATED, openapi.ACCEPTED}
	listed, _, err := client.DeliveriesAPI.ListDeliveries(ctx).Status(wanted).Limit(100).Execute()
	must(err)
	if listed.Data[0].DeliveryId != created.DeliveryId {
		log.Fatalf("listed %+v", listed)
	}

	reason := *openapi.NewCancelRequest()
	reason.SetReason("The customer changed the address")
	cancelled, _, err := client.DeliveriesAPI.CancelDelivery(ctx, created.DeliveryId).CancelRequest(reason).Execute()
	must(err)
	if cancelled.Status != openapi.CANCELLED {
		log.Fatalf("cancelled %+v", cancelled)
	}

	_, _, err = client.DeliveriesAPI.CancelDelivery(ctx, created.DeliveryId).Execute()
	if told := refused(err); told.Code != openapi.CONFLICT {
		log.Fatalf("refused by %+v", told)
	}
}
