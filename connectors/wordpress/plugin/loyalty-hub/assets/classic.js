/**
 * The classic checkout: a choice is sent without leaving the page, so that what was typed stays.  Of a
 * phone that was typed WooCommerce tells the server only when it calculates anew.
 */
jQuery( function ( $ ) {
	$( document.body ).on( 'change', '#billing_phone', function () {
		$( document.body ).trigger( 'update_checkout' );
	} );
	$( document.body ).on( 'submit', 'form.loyalty-hub-form', function ( event ) {
		if ( ! $( 'form.checkout' ).length ) {
			return; // At the cart the page is shown anew.
		}
		event.preventDefault();
		const form = $( this );
		const button = form.find( 'button' ).prop( 'disabled', true );
		$.post( window.loyaltyHubClassic.url, form.serialize() ).always( function () {
			// WooCommerce makes the box anew only where it has changed (10.5.2, `checkout.js`), as it has not by a wrong code.
			button.prop( 'disabled', false );
			$( document.body ).trigger( 'update_checkout' );
		} );
	} );
} );
