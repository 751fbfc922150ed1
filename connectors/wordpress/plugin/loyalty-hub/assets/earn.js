/**
 * The product's page: asks what the article brings to this buyer, since the page itself may come out
 * of a cache.
 */
jQuery( function ( $ ) {
	$( '.loyalty-hub-earn' ).each( function () {
		const place = $( this );
		$.getJSON( window.loyaltyHubEarn.url, { product: place.data( 'product' ) } ).done( function ( answer ) {
			place.text( answer.data.text );
		} );
	} );
} );
