/**
 * The product's page: asks what the article brings to this buyer, since the page itself may come out
 * of a cache.  Of a variable product the variation is asked about once it is chosen.
 */
jQuery( function ( $ ) {
	const ask = ( place, product ) =>
		$.getJSON( window.loyaltyHubEarn.url, { product } ).done( ( answer ) => place.text( answer.data.text ) );
	$( '.loyalty-hub-earn' ).each( function () {
		const place = $( this );
		const product = place.data( 'product' );
		ask( place, product );
		place
			.closest( '.product' )
			.find( 'form.variations_form' )
			.on( 'found_variation', ( event, variation ) => ask( place, variation.variation_id ) )
			.on( 'reset_data', () => ask( place, product ) );
	} );
} );
