// Entrega's API by a Go client of openapi-generator: a server's base address and an API key.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	openapi "github.com/GIT_USER_ID/GIT_REPO_ID"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func refused(err error) openapi.Problem {
	var told *openapi.GenericOpenAPIError
	if !errors.As(err, &told) {
		log.Fatalf("not refused: %v", err)
	}
	return told.Model().(openapi.Problem)
}

func main() {
	configuration := openapi.NewConfiguration()
	configuration.Servers[0].URL = os.Args[1]
	client := openapi.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), openapi.ContextAccessToken, os.Args[2])

	couriers, _, err := client.CouriersAPI.ListCouriers(ctx).Execute()
	must(err)
	if len(couriers.Data) == 0 {
		log.Fatal("no courier company")
	}

	origin := *openapi.NewAddress("Rua Rainha Ginga 31", "Luanda", "Luanda")
	destination := *openapi.NewAddress("Avenida Brasil 110, Maianga", "Luanda", "Luanda")
	parcel := *openapi.NewParcel(900)
	parcel.SetDeclaredValueAoa(5_000_000_000)
	quotes, _, err := client.QuotesAPI.CreateQuotes(ctx).QuoteRequest(
		*openapi.NewQuoteRequest(origin, destination, parcel)).Execute()
	must(err)

	order := openapi.NewDeliveryRequest(quotes.Data[0].QuoteId, origin, destination, parcel)
	order.SetPaymentMethod(openapi.PREPAID)
	options := *openapi.NewOptionsRequest()
	options.SetMetadata(map[string]interface{}{"order": "L-2041"})
	order.SetOptions(options)
	created, _, err := client.DeliveriesAPI.CreateDelivery(ctx).DeliveryRequest(*order).Execute()
	must(err)
	id := created.Data.Id

	got, _, err := client.DeliveriesAPI.GetDelivery(ctx, id).Execute()
	must(err)
	if got.Data.Status != openapi.PENDING || got.Data.Options.Metadata["order"] != "L-2041" ||
		got.Data.Parcel.GetDeclaredValueAoa() != 5_000_000_000 {
		log.Fatalf("got %+v", got)
	}

	wanted := []openapi.Status{openapi.PENDING, openapi.ASSIGNED}
	listed, _, err := client.DeliveriesAPI.ListDeliveries(ctx).Status(wanted).Limit(100).Execute()
	must(err)
	if listed.Data[0].Id != id {
		log.Fatalf("listed %+v", listed)
	}

	events, _, err := client.DeliveriesAPI.ListEvents(ctx, id).Execute()
	must(err)
	if events.Data[0].EventType != openapi.DELIVERY_CREATED {
		log.Fatalf("events %+v", events)
	}

	cancelled, _, err := client.DeliveriesAPI.CancelDelivery(ctx, id).Execute()
	must(err)
	if cancelled.Data.Status != openapi.CANCELLED {
		log.Fatalf("cancelled %+v", cancelled)
	}

	_, _, err = client.DeliveriesAPI.CancelDelivery(ctx, id).Execute()
	if told := refused(err); told.Status != 409 {
		log.Fatalf("refused by %+v", told)
	}
	_, _, err = client.DeliveriesAPI.CreateDelivery(ctx).DeliveryRequest(*order).Execute()
	if told := refused(err); told.GetError() != openapi.QUOTE_ALREADY_USED {
		log.Fatalf("refused by %+v", told)
	}
}
